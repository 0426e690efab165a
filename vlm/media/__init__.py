"""Videos and pictures: probing, choosing times, decoding, tiling, resizing."""
