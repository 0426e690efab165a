"""The text side of an encoder: towers, tokens, and sentences in, features out."""
