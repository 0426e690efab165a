"""What a run writes: its log, manifest, provenance, speed, thumbnails."""
