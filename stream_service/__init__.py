"""The event stream: reads the log, keeps its newest events in memory, and sends them to every subscriber."""
