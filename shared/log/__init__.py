"""The log of changes, as its readers know it: positions in it, and how to follow it."""
