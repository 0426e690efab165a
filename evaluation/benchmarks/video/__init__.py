"""Benchmarks about videos."""
