"""Backends that read one kind of media file each, and what they share."""
