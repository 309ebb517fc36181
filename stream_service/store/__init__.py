"""Functions that run the named queries of sql/queries. Knows no HTTP, and writes nothing."""
