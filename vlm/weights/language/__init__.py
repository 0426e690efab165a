"""Loads language models and tokenizers, also in formats that transformers does not read."""
