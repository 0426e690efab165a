"""Data sets (no data files): records, mixtures, collation, synthetic worlds, converters."""
