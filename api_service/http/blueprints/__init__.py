"""Where requests come in: one blueprint for each resource."""
