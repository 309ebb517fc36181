"""The REST API, which reads and changes the stock, and the files of the dashboard."""
