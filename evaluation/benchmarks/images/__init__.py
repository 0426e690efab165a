"""Benchmarks of single images."""
