"""How right a free answer is, from 0 to 1."""
