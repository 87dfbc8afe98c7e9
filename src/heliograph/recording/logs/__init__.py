"""The native recorder of log records, and the bridge from `logging`."""
