"""The experiment with looks and frames: `python -m evaluation looks`."""
