"""Benchmarks about documents, charts and text in pictures."""
