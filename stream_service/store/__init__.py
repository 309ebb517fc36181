"""Runs the named queries of sql/queries. Knows no HTTP, and writes nothing."""
