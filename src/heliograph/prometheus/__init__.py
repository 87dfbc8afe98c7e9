"""Prometheus: the pull path, from what was aggregated to what a scrape reads."""
