"""Data of the embedded model: `python -m data.embedded`."""
