"""Our own held-out sets as benchmarks."""
