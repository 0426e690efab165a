"""Training a vision encoder under a classification head."""
