"""A run computed before it is run: sizes, operations, memory."""
