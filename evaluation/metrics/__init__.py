"""Metrics of free-form answers, from 0 to 1."""
