"""Synthetic worlds: drawn pictures and clips with exactly known answers."""
