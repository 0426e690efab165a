"""An OpenAI-compatible server for questions about videos and images (docs/serving.md)."""
