"""Short answers: a span of the evidence, offered only where it is probably right (docs/decisions/0015-short-answers.md)."""
