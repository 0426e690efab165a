"""Writing, finding and resuming checkpoints."""
