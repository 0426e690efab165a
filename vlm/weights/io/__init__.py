"""Reading, renaming, checking and caching files of weights."""
