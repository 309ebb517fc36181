"""The limits of the API that the tests of imports use. They are low, so that the tests can reach them."""

MAX_BYTES = 200_000
MAX_ROWS = 3_000
