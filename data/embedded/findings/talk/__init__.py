"""Conversations about several files, false claims, Revisit itself, and small talk."""
