"""gunicorn reads this file by itself when it starts in this folder."""

bind = "127.0.0.1:8000"
workers = 2
preload_app = True  # app.py is loaded once, and telemetry with it; each worker goes on by itself
max_requests = 1000
