"""The test rig: a receiver that fails as told, a faulty network, processes under test, and the six invariants."""
