"""Makers of worlds: functions from rng to a world, by what it is about."""
