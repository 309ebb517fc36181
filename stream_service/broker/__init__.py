"""A broker (Redis or Valkey) that holds the newest part of the log for many stream processes.

It is a cache: whatever it loses, or says wrongly about its own place, costs time and no event, since every doubt is
settled by reading PostgreSQL. docs/SCALE.md describes how it works.
"""
