"""Classes as text with learned vectors around the name (Efficient-Prompt, arXiv 2112.04478).

    [SOS] a_1 .. a_16 <name of the class> a_17 .. a_32 [EOS] a ...
    c = CLIP's text feature of this row;   logits = cos(v, c) / 0.07

The text tower is frozen, and the gradient flows through it to the vectors. They come from one table
of 77, indexed by their place in the row as in the code: for names of different length the vectors
behind the name differ, where the paper has the same a_i. The tower is causal, so what stands behind
EOS has no effect.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlm.encoders.backbones.vit import ViTBlock
from vlm.encoders.config import BlockConfig
from vlm.layers.adapter import train_only


class CausalBlock(ViTBlock):
    """A ViT block in which a token sees itself and those before it."""

    def _layer(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x), causal=True)[0]
        return x + self.mlp(self.norm2(x))


class CLIPText(nn.Module):
    """CLIP's text tower (arXiv 2103.00020)."""

    def __init__(
        self,
        block: BlockConfig,
        depth: int = 12,
        vocab_size: int = 49_408,
        length: int = 77,
        out_dim: int = 512,
    ) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocab_size, block.dim)
        self.positions = nn.Parameter(0.01 * torch.randn(length, block.dim))
        self.blocks = nn.ModuleList(CausalBlock(block) for _ in range(depth))
        self.norm = nn.LayerNorm(block.dim, eps=block.norm_eps)
        self.proj = nn.Linear(block.dim, out_dim, bias=False)

    def forward(self, embeddings: Tensor, ends: Tensor) -> Tensor:
        """Rows of embeddings [K, L, C] with EOS at `ends` [K] -> features [K, P]."""
        return self.proj(self.read(embeddings, ends))

    def read(self, embeddings: Tensor, ends: Tensor) -> Tensor:
        """Returns the normed EOS of each row, [K, C]."""
        x = embeddings + self.positions[: embeddings.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.norm(x[torch.arange(len(x), device=x.device), ends])


class PromptedText(nn.Module):
    """Learned vectors around the names of classes, a frozen text tower, and the distance."""

    def __init__(
        self,
        text: CLIPText,
        num_before: int = 16,
        num_behind: int = 16,
        temperature: float = 0.07,
        start_id: int = 49_406,
        end_id: int = 49_407,
    ) -> None:
        super().__init__()
        self.text = text
        length, dim = text.positions.shape
        self.vectors = nn.Parameter(0.01 * torch.randn(length, dim))
        self.num_before, self.num_behind, self.temperature = num_before, num_behind, temperature
        self.start_id, self.end_id = start_id, end_id
        train_only(self, self.vectors)

    def rows(self, names: list[list[int]]) -> tuple[Tensor, Tensor]:
        """Token ids of class names -> embeddings [K, L, C] and the places of EOS [K].

        Raises ValueError for a name that leaves no room for the vectors.
        """
        length = len(self.vectors)
        device = self.vectors.device
        rows, ends = [], []
        for ids in names:
            first = 1 + self.num_before
            end = first + len(ids) + self.num_behind
            if not ids or end >= length:
                raise ValueError(
                    f"the name of a class has 1 to {length - 2 - self.num_before - self.num_behind}"
                    f" tokens, not {len(ids)}"
                )
            fixed = self.text.tokens(
                torch.tensor([self.start_id, *ids, self.end_id], device=device)
            ).to(self.vectors.dtype)
            rows.append(
                torch.cat(
                    [
                        fixed[:1],
                        self.vectors[1:first],
                        fixed[1:-1],
                        self.vectors[first + len(ids) : end],
                        fixed[-1:],
                        self.vectors[end + 1 :],
                    ]
                )
            )
            ends.append(end)
        return torch.stack(rows), torch.tensor(ends, device=device)

    def forward(self, pooled: Tensor, names: list[list[int]]) -> Tensor:
        """Features of clips [B, P] and names of K classes as token ids -> logits [B, K]."""
        classes = F.normalize(self.text(*self.rows(names)), dim=-1)
        return F.normalize(pooled, dim=-1) @ classes.T / self.temperature
