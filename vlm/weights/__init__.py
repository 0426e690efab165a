"""Finds, checks, converts and assembles weights; a model is never loaded partially."""
