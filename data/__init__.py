"""Data sets for training and scoring: records, made worlds, and how their materials are fetched. No data files."""
