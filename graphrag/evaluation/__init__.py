"""Benchmarks: reading them, running them, scoring them."""
