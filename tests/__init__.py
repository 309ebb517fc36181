"""The tests: unit (no I/O), integration (real PostgreSQL), acceptance (real processes), gateway, browser, faults."""
