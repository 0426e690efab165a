"""Benchmarks of video as it comes in: a question sees nothing after its moment."""
