"""What makes other libraries record: the instrumentation packages found and started, and middleware of our own."""
