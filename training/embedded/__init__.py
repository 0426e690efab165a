"""Checks of the embedded model that answer the way training does."""
