"""Answering a question: budget, media, generation, caches, events."""
