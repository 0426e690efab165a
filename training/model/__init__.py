"""The model of a run: its initial weights, its trainable parts, its card."""
