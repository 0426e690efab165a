"""Reports on the embedded model."""
