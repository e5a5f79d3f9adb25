"""Exit codes of the command line that no error of the library has."""

INTERRUPTED = 130
"""After Ctrl-C, as a shell gives it."""
UNEXPECTED = 70
"""A fault in the software itself (EX_SOFTWARE of sysexits.h)."""
USAGE = 2
"""Arguments that cannot be understood."""
