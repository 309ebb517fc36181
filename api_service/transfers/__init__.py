"""Import and export of CSV files. Knows no HTTP."""
