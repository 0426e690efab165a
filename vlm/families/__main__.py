"""Prints the table of published models: `python -m vlm.families`. No weights are read."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import torch
from torch import nn

from vlm.config import PVCConfig
from vlm.ending import end
from vlm.families.published import published_configs
from vlm.fit.estimate import meta_model, weight_bytes
from vlm.fit.hardware import GB, gigabytes
from vlm.image_text.fit import whole_meta_model
from vlm.image_text.published import WHOLE, WholeModel
from vlm.media.tilings import TILINGS

PICTURE, FRAME = (1280, 960), (1280, 720)  # width, height in pixels
HEAD = (
    "| name | parameters | float32 | bfloat16 | 8 bits | a picture | a frame | run by |\n"
    "|---|---:|---:|---:|---:|---:|---:|---|"
)
NOTE = """\
Memory is that of the weights alone. A picture has 1,280 x 960 pixels, a frame 1,280 x 720; both in visual tokens.

**The published weights were never run**: huggingface.co could not be reached. Tested instead: tiny models of each
class with random weights give transformers' ids, pixels, logits and greedy tokens, for a picture, several pictures, a
video and several turns; at full size, names and numbers of parameters, without values."""  # noqa: E501


@dataclass(frozen=True)
class Row:
    """One published model."""

    name: str
    parameters: int
    memory: tuple[str, str, str]
    picture: int
    frame: float
    run_by: str

    def line(self) -> str:
        """Returns the row as Markdown."""
        float32, bfloat16, eight = self.memory
        return (
            f"| `{self.name}` | {self.parameters / GB:.2f} B | {float32} | {bfloat16} | {eight} |"
            f" {self.picture:,} | {self.frame:,.0f} | {self.run_by} |"
        )


def family_row(name: str, config: PVCConfig) -> Row:
    """Returns the row of a model that is read as ours."""
    model, tokens = meta_model(config), config.tokens_per_look
    prompt = config.prompt_config
    tiling = TILINGS[prompt.layout]
    squares = tiling.count(*PICTURE, prompt.default_tiles, config.image_size)
    eight = gigabytes(weight_bytes(model, torch.bfloat16, "8bit"))
    memory = (*_plain(model), eight)
    return Row(name, _count(model), memory, squares * tokens, tokens, "this library")


def whole_row(name: str, whole: WholeModel) -> Row:
    """Returns the row of a model that transformers runs whole."""
    model = whole_meta_model(whole.config())
    memory = (*_plain(model), "-")
    count = _count(model)
    return Row(name, count, memory, whole.picture(*PICTURE), whole.frame(*FRAME), "transformers")


def table() -> str:
    """Returns the whole table as Markdown."""
    rows = [family_row(name, config()) for name, config in published_configs().items()]
    rows += [whole_row(name, whole) for name, whole in WHOLE.items()]
    return "\n".join([HEAD, *(row.line() for row in rows), "", NOTE])


def main() -> int:
    """Prints the table."""
    argparse.ArgumentParser(
        "python -m vlm.families",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()
    sys.stdout.write(table() + "\n")
    return 0


def _plain(model: nn.Module) -> tuple[str, str]:
    float32, bfloat16 = (weight_bytes(model, kind) for kind in (torch.float32, torch.bfloat16))
    return gigabytes(float32), gigabytes(bfloat16)


def _count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


if __name__ == "__main__":
    end(main)
