"""Other formats of training data to our records: `python -m data convert`."""
