"""Access: who sends a request or reads a stream, and what they may do."""
