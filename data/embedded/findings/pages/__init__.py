"""Pages of text as the reader finds them, and questions about them."""
