"""`make run`: all of stockstream on one machine, with an embedded PostgreSQL."""
