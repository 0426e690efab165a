"""Language models and tokenizers in formats transformers does not read."""
