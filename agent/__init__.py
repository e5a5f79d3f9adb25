"""The agent: chooses tools step by step until the evidence suffices, then answers with citations."""
