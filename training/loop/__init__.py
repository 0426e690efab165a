"""The training loop: trainer, arguments, processes, nonfinite steps, signals, throughput."""
