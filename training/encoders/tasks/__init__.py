"""Training an encoder on several tasks at once, each with its data set and its head."""
