"""Recording: what an instrumented call runs through."""
