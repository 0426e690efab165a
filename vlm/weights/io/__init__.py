"""Reads, renames, checks and caches weight files."""
