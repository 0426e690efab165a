"""The default folder of the embedded model's data."""

from vlm.weights.io.files import cache_dir

DEFAULT_FOLDER = cache_dir() / "training"
