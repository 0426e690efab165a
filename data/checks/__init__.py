"""Checking a data set: `python -m data check`."""
