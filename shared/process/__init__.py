"""A service as a process: its settings and logs, its background tasks and workers, how it serves and stops."""
