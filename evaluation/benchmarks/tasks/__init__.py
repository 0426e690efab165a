"""Benchmarks of a video encoder with heads: one file per task, for all of its data sets."""
