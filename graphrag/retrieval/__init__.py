"""Finding passages: by meaning, by words, and along the graph."""
