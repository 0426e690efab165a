"""Makers of worlds: functions from dice to a world, by what it is about."""
