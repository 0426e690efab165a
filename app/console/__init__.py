"""Single questions and a chat in the terminal."""
