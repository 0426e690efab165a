"""Revisit's library: media, tower, compressor, language model, generation, assistant.

Nothing is imported here, so that one encoder or the video reader costs only what it needs itself.
"""

__version__ = "0.1.0"
