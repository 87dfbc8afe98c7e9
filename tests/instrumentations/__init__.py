"""The OpenTelemetry instrumentation packages, run for real on both recorders, with equal results.

A *scenario* is a module in ``scenarios/`` that instruments a library, does real work with it over loopback, and takes the
instrumentation off again. ``runner.py`` runs one scenario in a process of its own, under a manager with the recorder that it
is told, since instrumentation packages patch globally. That manager exports over OTLP to a receiver in the test's process.
``comparison.py`` runs a scenario once on each recorder and hands the test what arrived; ``normal.py`` takes out of it what
differs from run to run, such as ids, times and ports. A test then asserts two things: that both recorders gave the same, and
what it is that they gave, span by span. So a package that records nothing at all cannot pass.

Two recorders may differ only in what ``normal.py`` lists with a reason.

A program that is missing (redis-server) or an instrumentation package that is not installed is a failure.
``requirements.lock`` in this folder has those packages that fit the project's own lock file only without their dependencies.
"""
