"""Processes that train together, as torchrun and accelerate launch number them."""

import os


def num_processes() -> int:
    """How many train together; 1 where nobody launched several."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def tell(line: str) -> None:
    """Once, however many processes there are."""
    if os.environ.get("RANK", "0") == "0":
        print(line, flush=True)
