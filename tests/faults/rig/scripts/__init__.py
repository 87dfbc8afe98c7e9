"""The programs under test. Each runs in a process of its own, started by ``tests.faults.rig.subjects``."""
