"""What both web services share: host names, error answers, health checks, metrics, published schemas."""
