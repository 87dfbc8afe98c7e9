"""What the instrumented libraries are made to do: one module a scenario, each with a function ``run``.

Called by ``runner.py`` as ``run(argument)``. What it returns goes to the test as facts, beside the telemetry; it must be JSON.
"""
