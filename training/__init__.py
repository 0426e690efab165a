"""Training: the two stages, a vision encoder alone, and PVC's ablation on a small scale."""
