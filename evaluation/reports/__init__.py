"""Scores, tables, HTML reports, comparisons and submission files from logs."""
