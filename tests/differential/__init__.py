"""The differential suite: the same programs on the official SDK and on the native recorder."""
