"""Writes two_paths.safetensors: DualPath (code and paper) and Efficient-Prompt, written out.

python -m tests.goldens.make_two_paths
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from tests import golden
from tests.goldens import plain
from tests.goldens.make_adapters import adapter
from tests.goldens.plain import Weights, mlp, norm, self_attention
from vlm.encoders import PRESETS, build_tower

HEADS, DEPTH, PATCH, SIDE, NUM_SPATIAL = 2, 2, 8, 2, 3


def turns(position: float, width: int) -> list[float]:
    """Sine and cosine in turn."""
    out = []
    for i in range(0, width, 2):
        angle = position / 10_000 ** (i / width)
        out += [math.sin(angle), math.cos(angle)]
    return out


def framesets(clip: Tensor) -> Tensor:
    """[T, 3, S, S] -> [G, 3, S, S]; frames are put on a canvas one by one."""
    S, per = clip.shape[-1], SIDE * SIDE
    frames = list(clip)
    while len(frames) % per:
        frames.append(frames[-1])
    grids = []
    for start in range(0, len(frames), per):
        canvas = torch.zeros(3, SIDE * S, SIDE * S)
        for i, frame in enumerate(frames[start : start + per]):
            y, x = i // SIDE * S, i % SIDE * S
            canvas[:, y : y + S, x : x + S] = frame.float()
        small = F.interpolate(canvas[None], (S, S), mode="bilinear", antialias=True)
        grids.append(small[0].double())
    return torch.stack(grids)


def places(w: Weights, num_grids: int, C: int) -> Tensor:
    """A grid of patches as fine as that of small frames: a patch lies in one of them."""
    out = torch.zeros(num_grids, 1 + SIDE * SIDE, C, dtype=torch.float64)
    for g in range(num_grids):
        if "grid_positions" in w:
            out[g, 0] = torch.tensor(turns(0.0, C))
        for i in range(SIDE * SIDE):
            number = 1 + g * SIDE * SIDE + i
            if "grid_positions" in w:
                place = turns(number, C)
            else:
                width = C // 6 * 2
                place = turns(number, C - 2 * width) + turns(i // SIDE, width)
                place += turns(i % SIDE, width)
            out[g, 1 + i] = torch.tensor(place)
    return out + (w["grid_positions"][0] if "grid_positions" in w else 0)


def dualpath(w: Weights, clip: Tensor) -> tuple[Tensor, Tensor]:
    picked = [i * len(clip) // NUM_SPATIAL for i in range(NUM_SPATIAL)]
    space = plain.clip_stem(w, clip[picked], PATCH)
    time = plain.patches(w, "stem.patch_embedding", framesets(clip), PATCH)
    G, _, C = time.shape
    time = torch.cat([w["stem.class_embedding"][0].expand(G, 1, C), time], 1)
    time = norm(w, "stem.pre_norm", time + places(w, G, C))
    for layer in range(DEPTH):
        b = f"blocks.{layer}"
        u = norm(w, f"{b}.norm1", time)
        if f"{b}.time0.up.weight" in w:
            u = adapter(w, f"{b}.time0", u)
        time = time + adapter(w, f"{b}.time1", self_attention(w, f"{b}.attn", u, HEADS))
        time = time + adapter(w, f"{b}.time2", mlp(w, f"{b}.mlp", norm(w, f"{b}.norm2", time)))
        u = norm(w, f"{b}.norm1", space)
        space = space + self_attention(w, f"{b}.attn", u, HEADS) + adapter(w, f"{b}.space1", u)
        u = norm(w, f"{b}.norm2", space)
        space = space + mlp(w, f"{b}.mlp", u) + adapter(w, f"{b}.space2", u)
    time, space = norm(w, "norm", time), norm(w, "norm", space)
    halves = [(x[:, 0] @ w["proj.weight"].T).mean(0) for x in (time, space)]
    return torch.cat([time, space])[:, 1:], torch.cat(halves)


def efficient_prompt(w: Weights, clip: Tensor) -> tuple[Tensor, Tensor]:
    x = plain.clip_stem(w, clip, PATCH)
    for layer in range(DEPTH):
        b = f"blocks.{layer}"
        x = x + self_attention(w, f"{b}.attn", norm(w, f"{b}.norm1", x), HEADS)
        x = x + mlp(w, f"{b}.mlp", norm(w, f"{b}.norm2", x))
    f = norm(w, "norm", x[:, 0]) @ w["proj.weight"].T + w["time"][0]
    for layer in range(2):
        b = f"time_blocks.{layer}"
        f = f + self_attention(w, f"{b}.attn", norm(w, f"{b}.norm1", f), HEADS)
        f = f + mlp(w, f"{b}.mlp", norm(w, f"{b}.norm2", f))
    return f[:, None], f.mean(0)


def main() -> None:
    out = {}
    for name, reference, num_frames in (
        ("dualpath-test", dualpath, 7),
        ("dualpath-paper-test", dualpath, 7),
        ("efficient-prompt-test", efficient_prompt, 4),
    ):
        tower = build_tower(PRESETS[name].tower)
        golden.fill(tower)
        clip = golden.clip(1, num_frames, 16).double()
        tokens, pooled = reference(plain.weights_of(tower), clip[0])
        out[f"{name}.tokens"], out[f"{name}.pooled"] = tokens[None].float(), pooled[None].float()
    golden.write("two_paths", out)


if __name__ == "__main__":
    main()
