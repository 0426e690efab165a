"""Loads, inspects and converts the published PVC-InternVL2 weights."""
