"""What the engine thread remembers between tasks: buffer, delivery, notices, health."""
