"""The embedded store: one SQLite file, with indexes in memory."""
