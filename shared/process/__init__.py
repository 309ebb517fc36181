"""Running a service: settings, logs, background tasks, workers, serving and stopping."""
