"""Frozen experts: a detector and a reader, whose findings go into the prompt as words."""
