"""Answers questions: planning, encoding, generation, caches, events."""
