"""The stock as CSV: read, checked, imported and written. Knows no HTTP."""
