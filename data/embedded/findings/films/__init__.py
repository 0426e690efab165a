"""Films in words, frame by frame, and questions about them."""
