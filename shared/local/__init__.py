"""All of stockstream on one machine: a PostgreSQL in a folder, and every process under one roof."""
