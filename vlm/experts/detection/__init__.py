"""Things in frames: NanoDet-g, its weights in eight bits, boxes without duplicates."""
