"""Short answers: a span of the evidence, offered only where it is probably right (docs/decisions/0016-short-answers.md)."""
