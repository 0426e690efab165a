"""An encoder that sees toy films by their colors: what the benchmarks of encoders must score high.

It has the methods of `evaluation.encoders.loaded.LoadedEncoder` and no weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from data.synthetic.drawing.shapes import COLORS
from data.tasks.toy.films import BRIGHT, DIRECTIONS, KINDS
from vlm.heads.localization import LocalizationHead, proposal_targets

NEAR = 90.0  # distance of a pixel's color from a shape's
VISIBLE = 0.01  # share of the pixels


@dataclass(frozen=True)
class Sized:
    image_size: int = 64


@dataclass(frozen=True)
class OracleEncoder:
    num_frames: int = 8
    tasks: tuple[str, ...] = ("recognition", "retrieval", "localization", "grounding") + (
        "instances",
        "referring",
    )
    classes: tuple[str, ...] = ()
    name: str = "oracle"
    config: Sized = field(default=Sized())
    device: torch.device = torch.device("cpu")
    proposes: bool = False  # localization in two stages

    def check(self, task: str, classes: Sequence[str]) -> None:
        if task not in self.tasks:
            raise ValueError(f"{self.name} has no head for {task}.")

    def describe(self) -> dict[str, Any]:
        about = {"name": self.name, "kind": "encoder", "sha256": "0" * 64, "parameters": 0}
        return about | {"dtype": "uint8", "attention": None, "clip_frames": self.num_frames}

    def num_tokens(self, num_frames: int) -> int:
        return num_frames

    def pixels(self, frames: np.ndarray) -> Tensor:
        assert len(frames) == self.num_frames
        return torch.from_numpy(frames)[None]

    def features(self, clip: Tensor, seconds: list[float]) -> Tensor:
        assert len(seconds) == clip.shape[1]
        return clip[0].float()  # [T, S, S, 3]

    def class_scores(self, frames: Tensor, classes: Sequence[str]) -> Tensor:
        way = moved(frames)
        return torch.tensor([[0.9 if way in name.lower() else 0.01 for name in classes]])

    def embed_video(self, frames: Tensor) -> Tensor:
        shares = [float((of_color(frames, c)).float().mean()) for c in BRIGHT]
        return self._words(f"{BRIGHT[int(np.argmax(shares))]} {moved(frames)}")[None]

    def embed_text(self, texts: Sequence[str]) -> Tensor:
        return torch.stack([self._words(text) for text in texts])

    def _words(self, text: str) -> Tensor:
        found = [word in text.split() for word in (*BRIGHT, *DIRECTIONS)]
        return torch.nn.functional.normalize(torch.tensor(found).float(), dim=-1)

    def frame_scores(
        self, frames: Tensor, texts: Sequence[str], num_frames: int, task: str
    ) -> Tensor:
        found = [of_color(frames, meant(text)).float().mean((1, 2)) > VISIBLE for text in texts]
        return torch.stack(found, dim=1).float()[None]

    def embed_frames(self, frames: Tensor, num_frames: int) -> Tensor:
        """Which of the bright colors is there."""
        return self.frame_scores(frames, BRIGHT, num_frames, "localization")

    def proposed(
        self, frames: Tensor, classes: Sequence[str]
    ) -> list[tuple[int, int, NDArray[np.float64]]]:
        """Both stages of the real head, with proposals that know the truth."""
        head = LocalizationHead("nce", len(BRIGHT))
        head.proposals = KnownActions()
        return head.proposed(
            frames, torch.eye(len(BRIGHT))[[BRIGHT.index(meant(c)) for c in classes]]
        )

    def mask_logits(
        self, frames: Tensor, texts: Sequence[str], num_frames: int, task: str
    ) -> Tensor:
        masks = [
            frames.amax(-1) > 130 if text.startswith("all") else of_color(frames, meant(text))
            for text in texts
        ]
        return torch.stack(masks, dim=1).float()[None] * 8 - 4


class KnownActions(nn.Module):
    """In an action, at its start, at its end: of frames whose features are 1 for what is there."""

    def forward(self, frames: Tensor) -> Tensor:
        return 16 * proposal_targets(frames) - 8


def of_color(frames: Tensor, color: str) -> Tensor:
    """Whether each pixel [..., 3] has a color, [...]."""
    names = list(COLORS)
    table = torch.tensor([COLORS[name] for name in names]).float()
    far = (frames[..., None, :] - table).norm(dim=-1)  # [..., K]
    return (far.argmin(-1) == names.index(color)) & (far.amin(-1) < NEAR)


def meant(text: str) -> str:
    """The color that a class or a sentence names."""
    low = text.lower()
    named = [color for color in BRIGHT if color in low]
    return named[0] if named else KINDS[low]


def moved(frames: Tensor) -> str:
    """The direction in which the bright pixels move."""
    places = []
    for frame in (frames[0], frames[-1]):
        rows, columns = torch.nonzero(frame.amax(-1) > 130, as_tuple=True)
        places.append((float(columns.float().mean()), float(rows.float().mean())))
    x, y = places[1][0] - places[0][0], places[1][1] - places[0][1]
    if abs(x) > abs(y):
        return "right" if x > 0 else "left"
    return "down" if y > 0 else "up"
