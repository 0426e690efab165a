"""The looks and frames experiment: `python -m evaluation looks`."""
