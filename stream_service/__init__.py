"""The event stream: reads the log, keeps its newest part in memory, and sends it to every subscriber."""
