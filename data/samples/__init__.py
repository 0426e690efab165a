"""From records to batches: decoding, lengths, packing, collation, caches."""
