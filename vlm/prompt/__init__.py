"""From a conversation to token ids: templates, tokenizers, the prompt writer."""
