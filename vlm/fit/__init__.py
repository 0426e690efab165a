"""Whether a model fits a machine, and how it is made to fit."""
