"""Toy sets in the layouts of public data sets: films of moving shapes whose truth is exact."""
