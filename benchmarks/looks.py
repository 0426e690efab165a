"""The cost of a second, third and fourth look, compared with one look and with repeated images.

PVC encodes a still image four times. Below the first temporal layer the four are equal, so that
part is computed once; a naive implementation sends four copies through the whole tower. Because
temporal attention is causal, another look at an encoded image does not repeat the earlier looks.
"""

import numpy as np
import torch

from benchmarks import embedded
from benchmarks.timing import medians


def run(quick: bool = False) -> list[str]:
    """Returns a Markdown table."""
    assistant, name = embedded.load()
    model, processor = assistant.model, assistant.processor
    size = processor.image_processor.image_size
    repeats = 3 if quick else 15
    rng = np.random.default_rng(0)
    picture = processor.pixel_values(rng.integers(0, 256, (1, size, size, 3), dtype=np.uint8))
    picture = picture.to(model.tower_dtype)
    quarters = [0.0, 0.25, 0.5, 0.75]

    def times(steps: list[float]) -> torch.Tensor:
        return torch.tensor([steps])

    with torch.inference_mode():
        _, cache = model.tower.step(picture[None], times(quarters[:3]))
        took = medians(
            {
                "one look": lambda: model.encode(picture, [1], [1], [0.0]),
                "four looks": lambda: model.encode(picture, [1], [4], quarters),
                "four copies through the whole tower": lambda: model.encode(
                    picture.expand(4, -1, -1, -1), [4], [4], quarters
                ),
                "a fourth look after three": lambda: model.tower.step(
                    None, times(quarters[3:]), cache
                ),
            },
            repeats,
        )
    assistant.close()
    one = took["one look"]
    return [
        f"## Looks at a still image ({name}, {size} x {size})",
        "",
        "| | median | relative to one look | CPU time |",
        "|---|---|---|---|",
        *(
            f"| {what} | {clock * 1e3:.1f} ms | {clock / one.clock:.2f} x |"
            f" {processor / one.processor:.2f} x |"
            for what, (clock, processor) in took.items()
        ),
        "",
    ]
