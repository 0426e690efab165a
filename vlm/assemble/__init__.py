"""Builds a PVC from an image tower and a language model: `python -m vlm.assemble`."""
