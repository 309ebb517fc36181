"""The proof: unit (no I/O), integration (real PostgreSQL), acceptance (real processes), browser, faults."""
