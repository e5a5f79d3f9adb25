"""The surfaces: the command line."""
