"""What each video encoder costs: parameters, multiply-adds, clips a second, peak memory, growth.

python -m benchmarks.encoders [--frames 8 16] [--references FOLDER]

Writes benchmarks/encoders.md and docs/images/encoders.png. Multiply-adds are counted on the meta
device for 8 to 64 frames; seconds and peak memory are measured for the frames given, float32,
random weights, one clip, each in a process of its own. Compared implementations have the same
weights' shapes and run in alternation in one process: transformers' TimeSformer, and with FOLDER
(pip install --no-deps --target FOLDER torchvision) torchvision's MViT, Swin3D and ResNets. Seconds
are those of the processor, since wall-clock time on a shared machine measures its other users.
`--frames` without numbers counts and compares alone.
"""

import argparse
import functools
import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.__main__ import machine
from benchmarks.peak import peak_bytes
from benchmarks.timing import medians
from vlm.encoders import PRESETS, build_tower
from vlm.encoders.cost import multiply_adds

# One row for each system, about the size of a ViT-B or ResNet-50.
CHOSEN = (
    "i3d-rgb",
    "nonlocal-i3d-r50-8x8",
    "nonlocal-i3d-r50-8x8-nl5",
    "r2plus1d-r3d-18",
    "r2plus1d-18",
    "slowfast-r50-8x8",
    "timesformer-space",
    "timesformer-joint",
    "timesformer-divided",
    "vtn-b16",
    "mvit-v1-b-16x4",
    "mvit-v2-s-16x4",
    "video-swin-t",
    "video-swin-b",
    "efficient-prompt-b16",
    "vpt-deep-b16",
    "adaptformer-clip-b16",
    "st-adapter-b16",
    "pro-tuning-b16",
    "aim-b16",
    "dualpath-b16",
    "uniformerv2-b16",
    "streamformer-b16",
)
GROWTH = (8, 16, 32, 64)
NMS = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
RESULTS = Path(__file__).with_name("encoders.md")
PLOT = Path(__file__).parents[1] / "docs" / "images" / "encoders.png"


def names() -> list[str]:
    """The chosen presets that there are: an encoder may have been removed."""
    return [name for name in CHOSEN if name in PRESETS]


@functools.cache
def counted(name: str, num_frames: int) -> float | None:
    """Multiply-adds in 10^9 of a clip; None if the encoder does not take this many frames."""
    with torch.device("meta"):
        tower = build_tower(PRESETS[name].tower).eval()
    side = PRESETS[name].tower.image_size
    try:
        return multiply_adds(tower, num_frames, side, side) / 1e9
    except ValueError:
        return None


def measure(name: str, num_frames: int, rounds: int) -> dict[str, float]:
    """Processor seconds of a clip and the memory it adds, in this process."""
    torch.manual_seed(0)
    tower = build_tower(PRESETS[name].tower).eval()
    side = PRESETS[name].tower.image_size
    clip = torch.randn(1, num_frames, tower.in_channels, side, side)
    before = peak_bytes()
    with torch.inference_mode():
        took = medians({name: lambda: tower(clip)}, rounds)[name]
    return {"seconds": took.processor, "bytes": peak_bytes() - before}


def measured(name: str, num_frames: int, rounds: int) -> dict[str, float] | None:
    """`measure` in a process of its own; None if it fails, as for too many frames."""
    command = [sys.executable, "-m", "benchmarks.encoders", "--measure", name]
    command += ["--frames", str(num_frames), "--rounds", str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def cost_table(frames: list[int], rounds: int) -> list[str]:
    """A row for each encoder."""
    columns = ["encoder", "parameters", "px", *(f"{n} frames" for n in GROWTH)]
    columns += [f"{n} frames: seconds, MB" for n in frames]
    lines = [
        "## Cost of a clip",
        "",
        "Parameters without a classifier; multiply-adds in 10^9 at the published size.",
        *(["Processor seconds, and the peak memory that a clip adds."] if frames else []),
        "",
        f"| {' | '.join(columns)} |",
        "|---|" + "---:|" * (len(columns) - 1),
    ]
    for name in names():
        row = [name, f"{PRESETS[name].parameters:,}", str(PRESETS[name].tower.image_size)]
        row += ["" if (n := counted(name, T)) is None else f"{n:.1f}" for T in GROWTH]
        for num_frames in frames:
            found = measured(name, num_frames, rounds)
            row.append(
                "" if found is None else f"{found['seconds']:.2f}, {found['bytes'] / 1e6:.0f}"
            )
        lines.append(f"| {' | '.join(row)} |")
        sys.stdout.write(lines[-1] + "\n")
        sys.stdout.flush()
    return [*lines, ""]


def references(folder: str | None) -> dict[str, tuple[int, Callable[[], nn.Module], bool]]:
    """Preset -> frames, its other implementation, whether that takes channels before time."""
    from transformers import TimesformerConfig, TimesformerModel

    made: dict[str, tuple[int, Callable[[], nn.Module], bool]] = {
        "timesformer-divided": (8, lambda: TimesformerModel(TimesformerConfig()), False)
    }
    if folder:
        sys.path.insert(0, folder)
        # Without these operators torchvision's import fails beside another build of torch.
        for operator in ("nms", "qnms"):
            torch.library.define(f"torchvision::{operator}", NMS)
        video = importlib.import_module("torchvision.models.video")
        made |= {
            "mvit-v1-b-16x4": (16, video.mvit_v1_b, True),
            "mvit-v2-s-16x4": (16, video.mvit_v2_s, True),
            "video-swin-t": (16, video.swin3d_t, True),
            "r2plus1d-r3d-18-torchvision": (16, video.r3d_18, True),
            "r2plus1d-mc3-18-torchvision": (16, video.mc3_18, True),
            "r2plus1d-18-torchvision": (16, video.r2plus1d_18, True),
        }
    return {name: value for name, value in made.items() if name in PRESETS}


def comparison(folder: str | None, rounds: int) -> list[str]:
    """Ours by theirs, in alternation."""
    lines = [
        "## Compared with other implementations",
        "",
        "| encoder | frames | theirs | ours | ours by theirs |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, (num_frames, make, channels_first) in references(folder).items():
        theirs, ours = make().eval(), build_tower(PRESETS[name].tower).eval()
        side = PRESETS[name].tower.image_size
        clip = torch.randn(1, num_frames, 3, side, side)
        other = clip.transpose(1, 2) if channels_first else clip
        tasks: dict[str, Callable[[], Any]] = {
            "theirs": lambda theirs=theirs, other=other: theirs(other),
            "ours": lambda ours=ours, clip=clip: ours(clip),
        }
        with torch.inference_mode():
            took = medians(tasks, rounds)
        a, b = took["theirs"].processor, took["ours"].processor
        lines.append(f"| {name} | {num_frames} | {a:.2f} s | {b:.2f} s | {b / a:.2f} x |")
        sys.stdout.write(lines[-1] + "\n")
        sys.stdout.flush()
    return [*lines, ""]


def plot(path: Path) -> None:
    """Multiply-adds over frames, each relative to 8 frames: what grows faster than the clip."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.5))
    axes.plot(GROWTH, [n / GROWTH[0] for n in GROWTH], "k:", label="proportional")
    for name in names():
        costs = [counted(name, n) for n in GROWTH]
        if all(costs) and costs[-1] / costs[0] > 1.05 * GROWTH[-1] / GROWTH[0]:  # type: ignore[operator]
            axes.plot(GROWTH, [c / costs[0] for c in costs], marker="o", label=name)  # type: ignore[operator]
    axes.set(xscale="log", yscale="log", xlabel="frames", ylabel="multiply-adds, 8 frames = 1")
    axes.minorticks_off()
    axes.set_xticks(GROWTH, map(str, GROWTH))
    axes.set_yticks((1, 2, 4, 8, 16), ("1", "2", "4", "8", "16"))
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.encoders", description=__doc__)
    parser.add_argument("--frames", type=int, nargs="*", default=[8, 16])
    parser.add_argument("--rounds", type=int, default=3, help="of which the median is taken")
    parser.add_argument("--references", metavar="FOLDER", help="has torchvision")
    parser.add_argument("--measure", metavar="PRESET", help="measure one encoder, print JSON")
    args = parser.parse_args()
    if args.measure:
        sys.stdout.write(json.dumps(measure(args.measure, args.frames[0], args.rounds)) + "\n")
        return
    lines = ["# Video encoders", "", f"Written by `python -m benchmarks.encoders` on {machine()}."]
    lines += ["", *cost_table(args.frames, args.rounds), *comparison(args.references, args.rounds)]
    RESULTS.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    plot(PLOT)


if __name__ == "__main__":
    main()
