"""Bridges from other libraries, one module each. Each needs its library, which an extra of the same name installs."""
