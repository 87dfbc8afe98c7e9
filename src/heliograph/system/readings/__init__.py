"""How each system metric is read: a function a metric, beside which `table.py` puts its name."""
