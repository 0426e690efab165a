"""What each video encoder costs: parameters, multiply-adds, clips a second, peak memory, growth.

python -m benchmarks.encoders [--frames 8 16] [--references FOLDER]

Writes benchmarks/encoders.md and docs/images/encoders.png, in about ten minutes on two cores that
do nothing else. Multiply-adds are counted on the meta device for 8 to 64 frames; clips a second and
peak memory are measured for the frames given, float32, random weights, one clip, each encoder in a
process of its own. Compared implementations have the same weights' shapes and run in alternation in
one process (benchmarks/encoder_references.py): transformers' TimeSformer, and with FOLDER (pip
install --no-deps --target FOLDER torchvision) torchvision's MViT, Swin3D and ResNets. `--frames`
without numbers counts and compares alone.
"""

import argparse
import functools
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.__main__ import machine
from benchmarks.encoder_references import references
from benchmarks.peak import peak_bytes
from benchmarks.timing import medians
from vlm.encoders import PRESETS, build_tower
from vlm.encoders.cost import multiply_adds, products
from vlm.ending import end

# One row for each system, about the size of a ViT-B or ResNet-50.
CHOSEN = (
    "pvc-internvit-300m",
    "pvc-efficientnet-lite2",
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
MEASURED = 700  # 10^9 multiply-adds; more would take most of the run
MEASURES = (
    "Clips a second by the clock, and the peak memory that a clip adds; nothing is measured above"
    f" {MEASURED} x 10^9 multiply-adds."
)
RESULTS = Path(__file__).with_name("encoders.md")
PLOT = Path(__file__).parents[1] / "docs" / "images" / "encoders.png"


def names() -> list[str]:
    """Returns the chosen presets that there are: an encoder may have been removed."""
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


def random_clip(name: str, num_frames: int) -> Tensor:
    side = PRESETS[name].tower.image_size
    return torch.randn(1, num_frames, 3, side, side)


@dataclass(frozen=True)
class Measured:
    """What one clip takes."""

    clips_per_second: float  # by the clock, with all threads
    megabytes: float  # that it adds to the peak of the process


def measure(name: str, frames: Sequence[int], rounds: int, folder: str | None) -> list[Measured]:
    """Measures an encoder in this process, or with "theirs:" before its name the other one.

    `frames` in ascending order, since a peak only grows.
    """
    torch.manual_seed(0)
    preset = name.removeprefix("theirs:")
    shown = random_clip
    net: nn.Module
    if preset == name:
        net = build_tower(PRESETS[name].tower).eval()
    else:
        reference = references(folder)[preset]
        net = reference.make().eval()

        def shown(name: str, num_frames: int) -> Tensor:
            return reference.clip(random_clip(name, num_frames))

    before, found = peak_bytes(), []
    for num_frames in frames:
        clip = shown(preset, num_frames)
        with torch.inference_mode():
            took = medians({name: functools.partial(net, clip)}, rounds)[name]
        found.append(Measured(1 / took.clock, (peak_bytes() - before) / 1e6))
    return found


def measured(
    name: str, frames: Sequence[int], rounds: int, folder: str | None = None
) -> list[Measured | None]:
    """`measure` in a process of its own; None for what fails, as too many frames do."""
    if not frames:
        return []
    command = [sys.executable, "-m", "benchmarks.encoders", "--measure", name]
    command += ["--frames", *map(str, frames), "--rounds", str(rounds)]
    command += ["--references", folder] if folder else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return [None] * len(frames)
    return [Measured(**one) for one in json.loads(done.stdout)]


def cost_table(frames: Sequence[int], rounds: int) -> list[str]:
    """Returns a row for each encoder."""
    columns = ["encoder", "parameters", "px", *(f"{n} frames" for n in GROWTH)]
    columns += [f"{GROWTH[-1]} by {GROWTH[0]}"]
    columns += [f"{n} frames: {what}" for n in frames for what in ("clips/s", "MB")]
    lines = [
        "## Cost of a clip",
        "",
        "Parameters without a classifier; multiply-adds in 10^9 at the published size, and how",
        f"they grow from {GROWTH[0]} to {GROWTH[-1]} frames (clip: {GROWTH[-1] // GROWTH[0]} x).",
        *([MEASURES] if frames else []),
        "",
        f"| {' | '.join(columns)} |",
        "|---|" + "---:|" * (len(columns) - 1),
    ]
    for name in names():
        row = [name, f"{PRESETS[name].parameters:,}", str(PRESETS[name].tower.image_size)]
        costs = [counted(name, T) for T in GROWTH]
        row += ["" if cost is None else f"{cost:.1f}" for cost in costs]
        row.append("" if not (costs[0] and costs[-1]) else f"{costs[-1] / costs[0]:.1f} x")
        few = [T for T in frames if (cost := counted(name, T)) and cost <= MEASURED]
        found = dict(zip(few, measured(name, few, rounds), strict=True))
        for T in frames:
            one = found.get(T)
            row += ["", ""] if one is None else _rate_and_size(one)
        lines.append(f"| {' | '.join(row)} |")
        sys.stdout.write(lines[-1] + "\n")
        sys.stdout.flush()
    return [*lines, ""]


def _rate_and_size(one: Measured) -> list[str]:
    return [f"{one.clips_per_second:.2f}", f"{one.megabytes:.0f}"]


def comparison(folder: str | None, rounds: int) -> list[str]:
    """Ours by theirs: seconds in alternation in one process, memory in a process each."""
    lines = [
        "## Compared with other implementations",
        "",
        "Ours by theirs. Seconds of the processor, in alternation in one process; peak memory that",
        "a clip adds, in a process each.",
        "",
        "| encoder | frames | parameters | multiply-adds | theirs | ours | seconds | memory |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, reference in references(folder).items():
        T, config = reference.num_frames, PRESETS[name].tower
        theirs, ours = reference.make().eval(), build_tower(config).eval()
        size = sum(p.numel() for p in ours.parameters()) / reference.num_parameters(theirs)
        with torch.device("meta"):
            cost = products(reference.make().eval(), reference.clip(random_clip(name, T)))
        clip = random_clip(name, T)
        other = reference.clip(clip)
        tasks = {"theirs": functools.partial(theirs, other), "ours": functools.partial(ours, clip)}
        with torch.inference_mode():
            took = medians(tasks, rounds)
        a, b = took["theirs"].processor, took["ours"].processor
        own, foreign = (measured(n, [T], 1, folder)[0] for n in (name, f"theirs:{name}"))
        memory = "" if not (own and foreign) else f"{own.megabytes / foreign.megabytes:.2f} x"
        shares = [f"{size:.3f} x", f"{1e9 * (counted(name, T) or 0) / cost:.3f} x"]
        row = [name, str(T), *shares, f"{a:.2f} s", f"{b:.2f} s", f"{b / a:.2f} x", memory]
        lines.append(f"| {' | '.join(row)} |")
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
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.encoders",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--frames", type=int, nargs="*", default=[8, 16])
    parser.add_argument("--rounds", type=int, default=2, help="of which the median is taken")
    parser.add_argument("--references", metavar="FOLDER", help="has torchvision")
    parser.add_argument("--measure", metavar="PRESET", help="measure one encoder, print JSON")
    args = parser.parse_args()
    if args.measure:
        found = measure(args.measure, sorted(args.frames), args.rounds, args.references)
        sys.stdout.write(json.dumps([asdict(one) for one in found]) + "\n")
        return
    lines = ["# Video encoders", "", f"Written by `python -m benchmarks.encoders` on {machine()}."]
    lines += [
        "",
        *cost_table(sorted(args.frames), args.rounds),
        *comparison(args.references, args.rounds),
    ]
    RESULTS.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    plot(PLOT)


if __name__ == "__main__":
    end(main)
