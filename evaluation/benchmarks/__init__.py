"""The benchmarks there are, by name."""

from evaluation.benchmarks.base import Benchmark

BENCHMARKS: dict[str, Benchmark] = {}
