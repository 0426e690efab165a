"""Training a vision encoder alone: `python -m training.encoders`."""
