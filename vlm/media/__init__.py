"""Decodes videos and pictures to frames and their times. Needs no torch."""
