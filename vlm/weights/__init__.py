"""Weights: finding, checking, converting and assembling them, never half loaded."""
