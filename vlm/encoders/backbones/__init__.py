"""Image backbones that a PVC tower stands on."""
