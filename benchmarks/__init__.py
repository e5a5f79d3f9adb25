"""Benchmarks. Each runs as the program does, with one BLAS thread, whatever numpy would take by itself."""

import os

from api.cli import ONE_THREAD

for _name, _value in ONE_THREAD.items():  # before a benchmark imports numpy
    os.environ.setdefault(_name, _value)
