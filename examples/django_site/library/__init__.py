"""A library that lends books: one small Django project."""
