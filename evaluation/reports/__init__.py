"""From logs to scores, tables, pages and comparisons."""
