"""Training a vision encoder under a classifier's head."""
