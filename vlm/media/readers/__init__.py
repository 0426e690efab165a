"""Backends that each read one kind of media file, and the code they share."""
