"""From a record to a batch: decoding, lengths, packing, collation, caches."""
