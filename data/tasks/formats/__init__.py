"""Readers of public annotation formats, one file per format."""
