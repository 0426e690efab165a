"""Finds the separate things of a flat drawing, by image processing alone."""
