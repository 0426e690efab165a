"""Rules that extract the letter of a choice from an answer: the harnesses' and our own."""
