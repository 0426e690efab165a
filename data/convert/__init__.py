"""Converts other formats of training data to records: `python -m data convert`."""
