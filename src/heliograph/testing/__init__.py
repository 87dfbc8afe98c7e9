"""For the tests of applications that use heliograph, and of what plugs into it."""
