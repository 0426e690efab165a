"""Layers that blocks share: attention, MLP, norms, positions."""
