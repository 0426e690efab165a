"""Sentences in, unit features out: a frozen text tower with its tokenizer.

Frozen features are computed once per sentence and kept; each sentence alone, so that a feature does
not depend on the others of its batch and a resumed run has the same bits. With learned vectors
around the words (Efficient-Prompt) nothing is kept while they are trained.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlm.heads.prompted_text import CLIPText, PromptedText
from vlm.heads.text.tokens import Tokens, fitted
from vlm.heads.text.tower import TextConfig, build_text_tower

MOST_KEPT = 50_000  # features of sentences; more are computed again


class TextSide(nn.Module):
    """Texts -> features [N, P] of length 1."""

    def __init__(self, config: TextConfig, tokens: Tokens) -> None:
        super().__init__()
        self.config, self.tokens = config, tokens
        tower = build_text_tower(config)
        tower.requires_grad_(False)
        self.prompted: PromptedText | None = None
        if config.num_before + config.num_behind:
            assert isinstance(tower, CLIPText)
            assert config.start_id is not None
            self.prompted = PromptedText(
                tower,
                config.num_before,
                config.num_behind,
                start_id=config.start_id,
                end_id=config.end_id,
            )
        else:
            self.tower = tower
        self._kept: dict[str, Tensor] = {}

    @property
    def dim(self) -> int:
        """P."""
        return self.config.out_dim

    @property
    def text_tower(self) -> nn.Module:
        """The frozen tower, with or without vectors around it."""
        return self.tower if self.prompted is None else self.prompted.text

    @property
    def learns(self) -> bool:
        """Whether features change during training."""
        return any(p.requires_grad for p in self.parameters())

    def forward(self, texts: Sequence[str], templates: Sequence[str] = ("{}",)) -> Tensor:
        """Features [N, P] in float32.

        Of several templates the unit features are averaged, and not made unit again, as in
        StreamFormer's code.
        """
        if self.prompted is not None:
            assert templates == ("{}",), "learned vectors take the place of templates"
            rows = fitted(self.tokens, texts, self.config.room)
            return F.normalize(self.prompted.text(*self.prompted.rows(rows)).float(), dim=-1)
        return torch.stack([self._kept_feature(text, tuple(templates)) for text in texts])

    def _kept_feature(self, text: str, templates: tuple[str, ...]) -> Tensor:
        key = f"{len(templates)} {templates[0]} {text}"
        device = self.tower.positions.device
        found = self._kept.get(key)
        if found is None or found.device != device:
            found = self._feature([template.format(text) for template in templates])
            if len(self._kept) < MOST_KEPT:
                self._kept[key] = found
        return found

    @torch.no_grad()
    def _feature(self, texts: list[str]) -> Tensor:
        device = self.tower.positions.device
        ids, ends = self.rows(fitted(self.tokens, texts, self.config.room), device)
        with _in_full_precision(device):
            out = self.tower(self.tower.tokens(ids), ends)
        return F.normalize(out.float(), dim=-1).mean(dim=0)

    def rows(self, sentences: Sequence[list[int]], device: torch.device) -> tuple[Tensor, Tensor]:
        """Ids of words -> rows [N, L] with start, end and padding, and the places of the ends."""
        config = self.config
        start = [] if config.start_id is None else [config.start_id]
        filled = [[*start, *ids, config.end_id] for ids in sentences]
        ends = torch.tensor([len(row) - 1 for row in filled], device=device)
        padded = [row + [config.pad_id] * (config.length - len(row)) for row in filled]
        return torch.tensor(padded, device=device), ends

    def _apply(self, fn: object, recurse: bool = True) -> "TextSide":
        self._kept.clear()
        return super()._apply(fn, recurse)

    def _load_from_state_dict(self, *args: object, **kwargs: object) -> None:
        self._kept.clear()
        super()._load_from_state_dict(*args, **kwargs)


def _in_full_precision(device: torch.device) -> AbstractContextManager[object]:
    """Without autocast; the meta device knows none."""
    return nullcontext() if device.type == "meta" else torch.autocast(device.type, enabled=False)
