"""The REST API: every write to the stock, and the dashboard's files."""
