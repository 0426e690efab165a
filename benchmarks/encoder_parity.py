"""Our encoders against other implementations at full size: the largest difference of a feature.

python -m benchmarks.encoder_parity [--references FOLDER]

Each network has seeded random weights, which are read into ours as a published file would be, and
sees one random clip in float32. Without FOLDER (pip install --no-deps --target FOLDER torchvision)
transformers' TimeSformer alone is compared. The tests compare tiny forms of the same networks.
"""

import argparse

import torch
from torch import Tensor, nn

from benchmarks.encoder_references import Reference, references
from vlm.encoders import PRESETS, build_tower
from vlm.ending import end
from vlm.weights.video_models.read import LAYOUTS, convert

HEADER = ("encoder", "parameters", "clip", "largest feature", "difference: tokens", "pooled")


def perturb(net: nn.Module, generator: torch.Generator) -> None:
    """Moves what starts at zero or one, so that every parameter and statistic counts."""
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.02 * torch.randn(parameter.shape, generator=generator)
        for name, buffer in net.named_buffers():
            if name.endswith("running_mean"):
                buffer += 0.1 * torch.randn(buffer.shape, generator=generator)
            if name.endswith("running_var"):
                buffer *= 1 + torch.rand(buffer.shape, generator=generator)


@torch.inference_mode()
def compare(name: str, reference: Reference, seed: int) -> list[str]:
    """Returns a row: the size, the largest feature and the largest differences."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    theirs = reference.make().eval()
    perturb(theirs, generator)
    config = PRESETS[name].tower
    ours = build_tower(config).eval()
    ours.load_state_dict(
        convert(theirs.state_dict(), ours, LAYOUTS[config.encoder], name), strict=False
    )
    side, T = config.image_size, reference.num_frames
    clip = torch.randn(1, T, 3, side, side, generator=generator)
    features = ours(clip)
    tokens, pooled = reference.features(theirs, clip, features.tokens.shape[1])
    count = sum(p.numel() for p in ours.parameters())
    assert count == reference.num_parameters(theirs), (count, reference.num_parameters(theirs))
    return [
        name,
        f"{count:,}",
        f"{T} x {side} px",
        f"{tokens.abs().max():.2f}",
        f"{difference(features.tokens, tokens):.1e}",
        f"{difference(features.pooled, pooled):.1e}",
    ]


def difference(ours: Tensor, theirs: Tensor) -> float:
    """Returns the largest difference of two features of one shape."""
    assert ours.shape == theirs.shape, (ours.shape, theirs.shape)
    return float((ours - theirs).abs().max())


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.encoder_parity",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--references", metavar="FOLDER", help="has torchvision")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print(f"| {' | '.join(HEADER)} |")
    print("|---|---:|---|---:|---:|---:|")
    for name, reference in references(args.references).items():
        print(f"| {' | '.join(compare(name, reference, args.seed))} |", flush=True)


if __name__ == "__main__":
    end(main)
