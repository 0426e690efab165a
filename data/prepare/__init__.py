"""Converters from public formats and packages to the records of this repository."""
