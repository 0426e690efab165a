"""Asks a video encoder with heads the questions of a benchmark (`run --encoder`)."""
