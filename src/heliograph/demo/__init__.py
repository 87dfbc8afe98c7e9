"""The demo: a small real service with a media pipeline behind it, instrumented the way a user would do it."""
