"""The tokens of an answer: chosen, computed one by one or for many answers at once."""
