"""One ``/metrics`` for all processes of a service, by way of a directory that they share."""
