"""Loads published image towers as the tower of a PVC."""
