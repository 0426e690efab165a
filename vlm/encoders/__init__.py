"""Video encoders, each one file and one line in the table of encoders."""
