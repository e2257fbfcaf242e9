"""A whole house on one machine: a virtual plant, a receiver and the gateway (`make run`)."""
