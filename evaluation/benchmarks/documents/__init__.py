"""Benchmarks of documents, charts and text in images."""
