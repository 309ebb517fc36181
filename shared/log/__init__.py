"""The log of changes: its documents, positions in it, and how to follow it."""
