"""Checks of data sets: `python -m data check`."""
