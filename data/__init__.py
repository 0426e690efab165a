"""Code for training and scoring data: records, synthetic worlds, downloads. No data files."""
