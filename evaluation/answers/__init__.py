"""How harnesses read the letter of a choice from a model's words, and how we would."""
