"""Makers of worlds: functions from a random source to a world, grouped by subject."""
