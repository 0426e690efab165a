"""This repository's own held-out sets as benchmarks."""
