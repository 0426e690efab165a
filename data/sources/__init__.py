"""Where records come from: files, tar shards, mixtures, their order."""
