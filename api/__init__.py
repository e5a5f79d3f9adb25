"""The surfaces: the command line and the HTTP service."""
