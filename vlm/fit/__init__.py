"""Checks whether a model fits a machine, and makes it fit."""
