"""The parts that blocks share: attention, norms, positions, pooling."""
