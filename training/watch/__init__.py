"""What is seen of a run: journal, sample answers, held-out loss, skipped records."""
