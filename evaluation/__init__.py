"""Scores a model on public benchmarks: asks, logs every answer, reports means with error bars."""
