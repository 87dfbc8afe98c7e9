"""``heliograph exec``: an unmodified program with telemetry. The command sets the environment, Python does the rest."""
