"""Who may ask now, and how an answer comes about and is written."""
