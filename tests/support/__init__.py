"""Real counterparts for tests: receivers, processes, waiting."""
