"""Benchmarks. Each runs as the program does, with one BLAS thread, whatever numpy would take by itself."""

from api.cli import take_one_thread

take_one_thread()  # before a benchmark imports numpy
