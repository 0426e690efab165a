"""Training: the two stages, a vision encoder alone, and PVC's ablation in small."""
