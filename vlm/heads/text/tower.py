"""Text towers that video features are compared with: CLIP's and SigLIP's, and tiny ones for tests.

    clip      [SOS] words [EOS] pad ...    causal; the feature is read at EOS, then projected
    siglip    words [EOS] pad ...          sees all; the feature is read at the last place

CLIP: arXiv 2103.00020; SigLIP: arXiv 2303.15343. A tower is frozen wherever it is used here; only
Efficient-Prompt learns vectors around the words (vlm/heads/prompted_text.py).
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from vlm.encoders.backbones.vit import ViTBlock
from vlm.encoders.config import BlockConfig
from vlm.heads.prompted_text import CLIPText
from vlm.unknown_name import check_name


@dataclass(frozen=True)
class TextConfig:
    """The sizes of a text tower, and how a row of it is written."""

    family: Literal["clip", "siglip"] = "siglip"
    block: BlockConfig = BlockConfig()
    depth: int = 12
    vocab_size: int = 32_000
    length: int = 64  # L of a row
    out_dim: int = 768  # P
    start_id: int | None = None  # in front of the words; None: nothing
    end_id: int = 1
    pad_id: int = 1
    # Efficient-Prompt's learned vectors in front of and behind a name; 0: none.
    num_before: int = 0
    num_behind: int = 0
    tokenizer: Literal["file", "words"] = "file"  # of the folder of its weights, or hashed words

    def __post_init__(self) -> None:
        if isinstance(self.block, dict):
            object.__setattr__(self, "block", BlockConfig(**self.block))
        if self.num_before + self.num_behind and self.family != "clip":
            raise ValueError("learned vectors around a name belong to a text tower of CLIP's kind")

    @property
    def room(self) -> int:
        """Tokens of a sentence that fit into a row."""
        ends = 1 + (self.start_id is not None)
        return self.length - ends - self.num_before - self.num_behind


def _text(family: str, dim: int, heads: int, **values: Any) -> TextConfig:
    activation, eps = {"clip": ("quick_gelu", 1e-5), "siglip": ("gelu_pytorch_tanh", 1e-6)}[family]
    block = BlockConfig(dim, heads, 4 * dim, None, activation, eps)
    return TextConfig(family, block, **values)  # type: ignore[arg-type]


_CLIP = {"vocab_size": 49_408, "length": 77, "start_id": 49_406, "end_id": 49_407, "pad_id": 49_407}
_TEST = {"depth": 1, "vocab_size": 4_096, "length": 16, "out_dim": 64, "tokenizer": "words"}
_AROUND = {"num_before": 16, "num_behind": 16}
_AROUND_TEST = {"num_before": 2, "num_behind": 2}
TEXT_PRESETS: dict[str, TextConfig] = {
    "siglip-b16": _text("siglip", 768, 12),
    "clip-b16": _text("clip", 512, 8, out_dim=512, **_CLIP),
    "clip-l14": _text("clip", 768, 12, out_dim=768, **_CLIP),
    "efficient-prompt-b16": _text("clip", 512, 8, out_dim=512, **_CLIP, **_AROUND),
    "siglip-test": _text("siglip", 64, 2, **_TEST),
    "clip-test": _text("clip", 64, 2, **_TEST, start_id=2),
    "efficient-prompt-test": _text("clip", 64, 2, **_TEST, start_id=2, **_AROUND_TEST),
}


def text_config(name: str) -> TextConfig:
    """Returns the preset of a name; ValueError with the known names for any other."""
    check_name("text tower", name, TEXT_PRESETS)
    return TEXT_PRESETS[name]


class SigLIPText(nn.Module):
    """SigLIP's text tower: every place sees all, padding too; the last one is read."""

    def __init__(self, config: TextConfig) -> None:
        super().__init__()
        dim = config.block.dim
        self.tokens = nn.Embedding(config.vocab_size, dim)
        self.positions = nn.Parameter(0.01 * torch.randn(config.length, dim))
        self.blocks = nn.ModuleList(ViTBlock(config.block) for _ in range(config.depth))
        self.norm = nn.LayerNorm(dim, eps=config.block.norm_eps)
        self.proj = nn.Linear(dim, config.out_dim)

    def forward(self, embeddings: Tensor, ends: Tensor) -> Tensor:
        """Rows of embeddings [K, L, C] -> features [K, P]; the place of EOS has no effect."""
        return self.proj(self.read(embeddings, ends))

    def read(self, embeddings: Tensor, ends: Tensor) -> Tensor:
        """Returns the normed last place of each row, [K, C]."""
        x = embeddings + self.positions[: embeddings.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.norm(x[:, -1])


def build_text_tower(config: TextConfig) -> CLIPText | SigLIPText:
    """Returns the tower of a config with fresh weights, in which different sentences differ.

    torch's usual start leaves every feature near that of an empty sentence, since the place that is
    read carries mostly itself. A tower of hashed words, which is never trained, takes the empty
    sentence as its zero.
    """
    if config.family == "siglip":
        tower: CLIPText | SigLIPText = SigLIPText(config)
    else:
        tower = CLIPText(
            config.block, config.depth, config.vocab_size, config.length, config.out_dim
        )
    for name, weight in tower.named_parameters():
        if weight.ndim == 2 and name not in ("tokens.weight", "positions"):
            nn.init.xavier_normal_(weight)
    with torch.no_grad():
        tower.tokens.weight[[config.end_id, config.pad_id]] = 0
        if config.tokenizer == "words":
            tower.norm.bias.sub_(tower.read(*_empty_row(tower, config))[0])
    return tower


def _empty_row(tower: CLIPText | SigLIPText, config: TextConfig) -> tuple[Tensor, Tensor]:
    """Returns the embeddings [1, L, C] of a sentence without words, and the place of its end."""
    start = [] if config.start_id is None else [config.start_id]
    ids = [*start, config.end_id]
    ids += [config.pad_id] * (config.length - len(ids))
    return tower.tokens(torch.tensor([ids])), torch.tensor([len(start)])
