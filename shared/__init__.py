"""What both services use, and nothing that only one of them needs."""
