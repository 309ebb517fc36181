"""The dashboard in a real Chromium, tested as a person uses it."""
