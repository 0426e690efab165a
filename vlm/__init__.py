"""Revisit's library: media, tower, compressor, language model, generation, assistant.

Nothing heavy is imported here, so that one encoder or the video reader costs only what it needs
itself. Who also uses transformers finds our model among its Auto classes: see `vlm.registration`.
"""

from vlm.registration import register_when_wanted

__version__ = "0.1.0"

register_when_wanted()
