"""The command line of `python -m app encode`. Imports nothing heavy."""

import argparse
from pathlib import Path

from vlm.model_options import add_threads

ABOUT = """Computes the features of videos and images with a video encoder alone.

For each clip the file has pooled features [P], tokens [T', H*W, C], the seconds of the frames
(times) and of the tokens (token_times), and global_token [T', C] where the encoder has a token for
a whole frame. Of several clips the names begin with the clip's, as in a.mp4/pooled. If OUT does not
end in .safetensors it is a folder, and each clip gets a file of its own there; a stopped run then
continues where it was.

Without --encoder it is the tower of the embedded model, which has trained weights. An encoder of
`python -m vlm.encoders` without --weights has random ones, for trying shapes.
Exit code: 0 all clips encoded, 1 some could not be read, 2 invalid input."""
EXAMPLES = """examples:
  python -m app encode clip.mp4 --out clip.safetensors
  python -m app encode clips/ --encoder mvit --weights mvit_v2_s.pth --out clips.safetensors
  python -m app encode clips/ --encoder vpt --weights models/clip-vit-b16 --out features
  python -m app encode a.mp4 b.mp4 --encoder models/mine --pooled-only --out pooled.safetensors

from Python:
  from vlm.features.file import read_features
  clips, header = read_features(Path("clip.safetensors"))"""


def add_encode(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    encode = commands.add_parser(
        "encode",
        help="features of videos and images, from a video encoder alone",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    encode.add_argument(
        "clips", nargs="+", metavar="CLIP", help="videos, images, or folders of them"
    )
    encode.add_argument(
        "--out", required=True, type=Path, help="a file (.safetensors) or a folder to write"
    )
    encode.add_argument(
        "--encoder",
        default="embedded",
        metavar="NAME",
        help="an encoder or preset of `python -m vlm.encoders`, or a model whose tower is taken: a"
        " folder, a repository on huggingface.co, or embedded (default)",
    )
    encode.add_argument(
        "--weights",
        metavar="FILE",
        help="a published file of the preset, the folder that training.encoders wrote, or that of"
        " the image model (CLIP, SigLIP) under it (default: random)",
    )
    clip = encode.add_argument_group("clip")
    clip.add_argument(
        "--frames", type=int, metavar="N", help="frames per video (default: the encoder's)"
    )
    clip.add_argument(
        "--size", type=int, metavar="PX", help="side of the square frames (default: the encoder's)"
    )
    clip.add_argument(
        "--crop",
        action="store_true",
        help="take the middle square of each frame, as published evaluations do (default: all of"
        " it, squeezed to a square, as training.encoders and the chat do)",
    )
    clip.add_argument(
        "--looks", type=int, metavar="N", help="looks at an image (default: the model's, else 1)"
    )
    encode.add_argument("--pooled-only", action="store_true", help="leave out the tokens")
    encode.add_argument("--seed", type=int, default=0, help="of random weights (default 0)")
    encode.add_argument("--device", metavar="NAME", help="cpu, cuda, ... (default: the first GPU)")
    add_threads(encode)
    encode.add_argument("--quiet", action="store_true", help="print only errors")
