"""Heads: what an encoder's features are turned into when it is used by itself."""
