"""Health: checks, their results, and who runs them."""
