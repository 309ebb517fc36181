"""The database: connections, named queries, migrations, and what its errors mean."""
