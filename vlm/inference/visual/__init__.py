"""What a question shows the model: files and streams, decoded, and their visual tokens."""
