"""An encoder with a text side and a head for each task that it was trained for.

    clip [B, T, 3, S, S] -> tower -> features -> head of a task, with sentences -> scores

`python -m training.encoders` trains it with `objective: tasks`, `python -m app find` and
`python -m evaluation` use it. Its folder has config.json, tower.safetensors, heads.safetensors,
text.safetensors and, of a published text tower, tokenizer/.
"""

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from vlm.encoders.base import VideoEncoder, VideoFeatures
from vlm.heads.alignment import Loss
from vlm.heads.grounding import GroundingHead
from vlm.heads.localization import LocalizationHead
from vlm.heads.projection import Projections
from vlm.heads.retrieval import RetrievalHead
from vlm.heads.segmentation import SegmentationHead, mask_logits, upsampled
from vlm.heads.text.side import TextSide
from vlm.heads.text_classes import TextClassesHead, class_features
from vlm.unknown_name import check_name

Task = Literal["recognition", "retrieval", "localization", "grounding", "instances", "referring"]
TASKS: tuple[Task, ...] = get_args(Task)
MASKS = ("instances", "referring")


class VideoText(nn.Module):
    """A tower, its text side, and heads by task."""

    def __init__(
        self,
        tower: VideoEncoder,
        text: TextSide,
        tasks: Sequence[str],
        loss: Loss = "sigmoid",
        background: bool = False,
    ) -> None:
        """`background`: masks have a learned vector for what no text means.

        Raises ValueError for a task that does not exist, or that the loss does not fit.
        """
        super().__init__()
        self.tower, self.text, self.loss, self.background = tower, text, loss, background
        self.projections = Projections(tower, text.dim)
        self.heads = nn.ModuleDict({name: self._head(name) for name in tasks})

    def _head(self, task: str) -> nn.Module:
        check_name("task", task, TASKS)
        if self.loss == "nce" and task in ("grounding", *MASKS):
            raise ValueError(f"{task} is trained with `loss: sigmoid`; nce has no form for it")
        if task == "recognition":
            return TextClassesHead(self.loss)
        if task == "retrieval":
            return RetrievalHead(self.loss)
        if task == "localization":
            return LocalizationHead(self.loss, self.text.dim)
        if task == "grounding":
            return GroundingHead()
        return SegmentationHead(self.tower, self.text.dim, self.background)

    def align_from(self, scale: Tensor | float | None, bias: Tensor | float | None) -> None:
        """Starts each head's learned scale (its logarithm) and bias, a copy each; None: as it is.

        The fixed temperature of "nce" stays.
        """
        if self.loss == "nce":
            return
        with torch.no_grad():
            for head in map(self.head, self.heads):
                if scale is not None:
                    head.align.scale.copy_(torch.as_tensor(scale).reshape(()))
                if bias is not None:
                    head.align.bias.copy_(torch.as_tensor(bias).reshape(()))

    @property
    def options(self) -> dict[str, Any]:
        """The arguments that build this again."""
        return {"tasks": list(self.heads), "loss": self.loss, "background": self.background}

    def head(self, task: str) -> Any:
        """Returns the head of a task; ValueError with those there are if it was not trained."""
        if task not in self.heads:
            raise ValueError(f"this encoder has no head for {task}; it has {', '.join(self.heads)}")
        return self.heads[task]

    def forward(
        self,
        clip: Tensor,
        times: Tensor | None,
        task: str,
        texts: Sequence[str],
        own: Tensor | None = None,
    ) -> Tensor | tuple[Tensor, ...]:
        """The logits that the loss of a task takes; `own` [B]: each clip's sentence in `texts`.

        recognition, retrieval [B, K]; grounding [B, T]; masks [B, T, K (+ 1), H, W] of the patches;
        localization [B, T, K], with "nce" the frames' features, classes and proposals.
        """
        head, features = self.head(task), self.tower(clip, times)
        T = clip.shape[1] if times is None else times.shape[1]
        if task in ("recognition", "retrieval"):
            return head(self.projections.clips(features), self._texts(task, texts))
        if task in MASKS:
            return head(self.tower.for_looks(features, T), self._texts(task, texts))
        frames = self.projections.frames(self.tower, features, T)
        if task == "grounding":
            assert own is not None, "each film needs its sentence"
            return head(frames, self._texts(task, texts)[own])
        classes = self._texts(task, texts)
        if head.proposals is None:
            return head(frames, classes)
        return frames, classes, head.proposals(frames)

    def _texts(self, task: str, texts: Sequence[str]) -> Tensor:
        """Features [K, P]; class names of recognition stand in sentences, others alone."""
        if task in ("recognition", "localization", "instances"):
            return class_features(self.text, texts, templated=task == "recognition")
        return self.text(texts)

    # What a user or a benchmark asks.

    def features(self, clip: Tensor, times: Tensor | None = None) -> VideoFeatures:
        """Returns the encoder's features; each method below takes them."""
        return self.tower(clip, times)

    def classify(self, features: VideoFeatures, classes: Sequence[str]) -> Tensor:
        """Logits [B, K] of classes given as text."""
        head = self.head("recognition")
        return head(self.projections.clips(features), self._texts("recognition", classes))

    def embed_video(self, features: VideoFeatures) -> Tensor:
        """Features of clips in the text's space, [B, P], of length 1."""
        return self.projections.clips(features)

    def embed_text(self, texts: Sequence[str]) -> Tensor:
        """Features of sentences, [N, P], of length 1."""
        return F.normalize(self.text(texts), dim=-1)

    def embed_frames(self, features: VideoFeatures, num_frames: int) -> Tensor:
        """Features of T frames in the text's space, [B, T, P], of length 1."""
        return self.projections.frames(self.tower, features, num_frames)

    def frame_scores(
        self, features: VideoFeatures, texts: Sequence[str], num_frames: int, task: str = ""
    ) -> Tensor:
        """Probabilities [B, T, K] that each frame shows what a text means.

        Without `task`, of the head that was trained most closely for it.
        """
        return self.scores_of_frames(self.embed_frames(features, num_frames), texts, task)

    def scores_of_frames(self, frames: Tensor, texts: Sequence[str], task: str = "") -> Tensor:
        """Features of frames [B, T, P] -> probabilities [B, T, K]."""
        task = task or self.frame_task
        head, features = self.head(task), self._texts(task, texts)
        if task in ("grounding", "localization"):
            return head.scores(frames, features)
        return head.align.probabilities(head(frames, features))

    @property
    def proposes(self) -> bool:
        """Whether localization has two stages: proposals, then their classes."""
        return "localization" in self.heads and self.head("localization").proposals is not None

    def proposed(
        self, frames: Tensor, classes: Sequence[str]
    ) -> list[tuple[int, int, NDArray[np.float64]]]:
        """Features of a film's frames [T, P] -> first, last + 1 and scores [K] of proposals."""
        return self.head("localization").proposed(frames, self._texts("localization", classes))

    @property
    def frame_task(self) -> str:
        """The task whose head scores frames; ValueError if none can."""
        for task in ("grounding", "localization", "retrieval", "recognition"):
            if task in self.heads:
                return task
        raise ValueError("this encoder has heads for masks alone, which score no frames")

    def mask_logits(
        self,
        features: VideoFeatures,
        texts: Sequence[str],
        num_frames: int,
        size: tuple[int, int] | None = None,
        task: str = "",
    ) -> Tensor:
        """Logits [B, T, K, h, w] of the mask of each text; above 0 it is there.

        `size` is the clip's height and width in pixels; None: those of the encoder's patches.
        """
        task = task or next((name for name in MASKS if name in self.heads), MASKS[0])
        looked = self.tower.for_looks(features, num_frames)
        logits = self.head(task)(looked, self._texts(task, texts))
        if size is not None:
            logits = upsampled(logits, *size)
        return mask_logits(logits, self.background)
