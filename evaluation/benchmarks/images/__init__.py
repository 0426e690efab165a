"""Benchmarks about single pictures."""
