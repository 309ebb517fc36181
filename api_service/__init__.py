"""The REST API, which makes every change of the stock, and the files of the dashboard."""
