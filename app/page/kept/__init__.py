"""What is kept of visitors: conversations, uploads, live streams, and what their browsers store."""
