"""Asks a model the questions of a benchmark."""
