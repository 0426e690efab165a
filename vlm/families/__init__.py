"""Families of published models that run by their name: one file each, and the table of all.

A family reads a folder as it is published (its config, its tensor names, its prompt, its tokenizer)
and returns it as our model and our processor. Nothing is converted on disk.
"""
