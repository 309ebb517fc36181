"""What any web service of ours has: known hosts, problems as errors, health, metrics, published schemas."""
