"""Speed and memory benchmarks: `python -m benchmarks` writes `benchmarks/results.md`."""
