"""The command line of `python -m app find`. Imports nothing heavy."""

import argparse
from pathlib import Path

from vlm.model_options import add_threads

ABOUT = """Finds when something happens in films: segments with scores, from words.

The encoder is one that `python -m training.encoders` trained for tasks: the folder of the run.
Scores are its probabilities, 0 to 1, every --every seconds; a segment is where they are at least
--threshold. If none is, the best moment is printed with its score. An encoder that was trained on
masks with a background also gives the box of what was found, at the peak of each segment.

With --follow, frames are scored as they arrive, each in the same time and memory: of a file that
grows (until it has not for --wait seconds), or of a pipe (-) in YUV4MPEG2, such as a camera's.
Exit code: 0 found in some file, 1 found in none, 2 invalid input."""
EXAMPLES = """examples:
  python -m app find clip.mp4 "a dog jumps" --encoder runs/streamformer
  python -m app find films/ "a goal" --encoder runs/streamformer --strip goals.png
  python -m app find a.mp4 b.mp4 "a red circle" --encoder runs/streamformer-tiny --json
  python -m app find recording.ts "a person enters" --encoder runs/streamformer --follow
  ffmpeg -f v4l2 -i /dev/video0 -vf fps=2,scale=320:-2 -pix_fmt yuv420p -f yuv4mpegpipe - \\
    | python -m app find - "a cat" --encoder runs/streamformer --follow"""


def add_find(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the command."""
    find = commands.add_parser(
        "find",
        help="when something happens in films, from words",
        description=ABOUT,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    find.add_argument(
        "items",
        nargs="+",
        metavar="CLIP... WORDS",
        help="videos, images or folders of them, then what to look for",
    )
    find.add_argument(
        "--encoder", required=True, type=Path, metavar="FOLDER", help="a trained encoder with heads"
    )
    find.add_argument(
        "--threshold", type=float, default=0.5, metavar="P", help="of a segment (default 0.5)"
    )
    find.add_argument(
        "--every", type=float, default=0.5, metavar="S", help="seconds between frames (default 0.5)"
    )
    find.add_argument("--top", type=int, default=10, metavar="N", help="segments per film")
    find.add_argument("--json", action="store_true", help="print one JSON object per film")
    find.add_argument(
        "--strip", type=Path, metavar="PNG", help="write a picture: frames, and scores over time"
    )
    find.add_argument("--follow", action="store_true", help="score frames as they arrive")
    find.add_argument(
        "--wait",
        type=float,
        default=10.0,
        metavar="S",
        help="with --follow: end once the file has not grown for so long (default 10)",
    )
    find.add_argument("--device", metavar="NAME", help="cpu, cuda, ... (default: the first GPU)")
    add_threads(find)
    find.add_argument("--quiet", action="store_true", help="print only errors and what is found")
