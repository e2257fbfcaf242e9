"""One suite per port of `bluetooth.ports`, run against the real ones and the fakes."""
