"""Short answers: a span of the evidence, offered only where it is probably right."""
