"""The seeded world: the real engine, tasks, drivers and store under a clock that is passed in."""
