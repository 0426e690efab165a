"""Where the embedded model's data lie unless another folder is named."""

from vlm.weights.io.files import cache_dir

DEFAULT_FOLDER = cache_dir() / "training"
