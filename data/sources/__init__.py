"""Sources of records: files, tar shards, mixtures, and their order."""
