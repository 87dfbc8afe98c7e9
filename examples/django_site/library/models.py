"""What is in the library."""

from django.db import models


class Book(models.Model):
    """A book, which at most one reader has at a time."""

    title = models.CharField(max_length=200, unique=True)
    reader = models.CharField(max_length=200, blank=True)
