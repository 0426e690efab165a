"""Monitoring a run: journal, sample answers, held-out loss, rejected samples."""
