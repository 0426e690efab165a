"""The training loop: trainer, arguments, processes, signals, throughput."""
