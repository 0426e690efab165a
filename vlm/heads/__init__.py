"""Heads on an encoder that is used by itself."""
