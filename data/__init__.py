"""Data sets for training and scoring: records, made worlds, how materials are fetched. No data."""
