"""Speed, measured by scripts: `python -m benchmarks` writes `benchmarks/results.md`."""
