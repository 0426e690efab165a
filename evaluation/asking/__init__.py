"""Asking a model a benchmark's questions."""
