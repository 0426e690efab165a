"""Scores a model on public benchmarks: asks, logs every answer, counts with error bars."""
