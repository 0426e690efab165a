"""Computes what a run needs before it is run: sizes, operations, memory."""
