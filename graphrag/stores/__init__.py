"""Where knowledge lives: the ports and their implementations."""
