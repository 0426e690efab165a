"""Computes features of files and folders with a video encoder, and writes them."""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from tqdm import tqdm

from app.console.clips import NamedClip, find_clips
from app.sanitize import for_label, for_terminal
from vlm.features.choose import ChosenEncoder, choose_encoder
from vlm.features.clip import ClipFeatures, Sampling, default_sampling, encode_clip
from vlm.features.file import ALONE, read_header, write_features
from vlm.fit.hardware import checked_device, memory_of
from vlm.media.confined.limits import MediaError
from vlm.media.decode import MediaReader, probe
from vlm.plural import plural

SUFFIX = ".safetensors"
SOME_FAILED, NOTHING_WRITTEN = 1, 2
MOST_MEMORY = 0.8  # of what is free, for features before they are written


@dataclass(frozen=True)
class Job:
    """What is done to every clip."""

    encoder: ChosenEncoder
    sampling: Sampling
    tokens: bool  # kept, not only pooled features
    about: Mapping[str, str]  # the facts for the header of a file

    def num_bytes(self) -> int:
        """What the features of one clip take, before anything is computed."""
        tower, side = self.encoder.tower, self.sampling.size
        T, H, W = tower.token_grid(self.sampling.num_frames, side, side)
        return 4 * (tower.pooled_dim + (T * H * W * tower.dim if self.tokens else 0))


def encode(args: argparse.Namespace) -> int:
    """Encodes all clips and writes the features. Returns the exit code."""
    _check_numbers(args)
    clips = find_clips(args.clips)
    whole = args.out.suffix == SUFFIX and not args.out.is_dir()
    if whole and args.out.exists() and read_header(args.out) is None:
        raise ValueError(f"{args.out} is not a file of features; give --out another name.")
    if not whole and args.out.is_file():
        raise ValueError(f"{args.out} is a file; --out is a folder or ends in {SUFFIX}.")
    if len(clips) == 1:
        probe(clips[0].path)  # before the encoder is built
    job = _job(args, choose_encoder(args.encoder, args.weights, args.seed))
    if whole:
        _check_memory(job, len(clips), args.out)
        alone = len(args.clips) == 1 and not Path(args.clips[0]).is_dir()
        written = _into_file(job, clips, args.out, alone, args.quiet)
    else:
        written = _into_folder(job, clips, args.out, args.quiet)
    if not args.quiet:
        sys.stdout.write(for_terminal(f"{args.out}: {plural(written, 'clip')}\n"))
    if written == len(clips):
        return 0
    return SOME_FAILED if written else NOTHING_WRITTEN


def _check_numbers(args: argparse.Namespace) -> None:
    for option in ("frames", "size", "looks"):
        value = getattr(args, option)
        if value is not None and value < 1:
            raise ValueError(f"--{option} is {value}; it must be 1 or more.")


def _job(args: argparse.Namespace, encoder: ChosenEncoder) -> Job:
    """Returns the encoder on its device with the sampling asked for.

    Raises ValueError if they do not fit.
    """
    tower = encoder.tower
    if tower.in_channels != 3:
        raise ValueError(
            f"{encoder.name} takes optical flow of {tower.in_channels} channels, which is not"
            " computed here; choose an encoder of frames."
        )
    default = default_sampling(encoder)
    sampling = replace(
        default,
        num_frames=args.frames or default.num_frames,
        size=args.size or default.size,
        looks=args.looks or default.looks,
        crop=args.crop,
    )
    grid = tower.token_grid(sampling.num_frames, sampling.size, sampling.size)
    if not all(grid):
        raise ValueError(
            f"--size {sampling.size} leaves no token of a frame; {encoder.name} was made for"
            f" {default.size} px."
        )
    if encoder.notice and not args.quiet:
        sys.stderr.write(for_terminal(encoder.notice + "\n"))
    about = {
        "encoder": encoder.config.encoder,
        "preset": encoder.name,
        "weights": encoder.weights,
        "weights_sha256": encoder.digest(),
        "frames": str(sampling.num_frames),
        "looks": str(sampling.looks),
        "size": str(sampling.size),
        "crop": str(sampling.crop),
        "tokens": str(not args.pooled_only),
    }
    tower.to(checked_device(args.device))
    return Job(encoder, sampling, not args.pooled_only, about)


def _check_memory(job: Job, num_clips: int, out: Path) -> None:
    """Raises ValueError if the features of all clips do not fit in memory together."""
    needed, free = num_clips * job.num_bytes(), memory_of(torch.device("cpu")).free
    if needed > MOST_MEMORY * free:
        raise ValueError(
            f"the features of {plural(num_clips, 'clip')} take {needed / 1e9:.1f} GB, and"
            f" {free / 1e9:.1f} GB of memory are free; give --out a folder"
            f" ({out.with_suffix('')}), or add --pooled-only."
        )


def _into_file(job: Job, clips: list[NamedClip], out: Path, alone: bool, quiet: bool) -> int:
    """Writes one file when all clips are encoded; returns how many it has."""
    done = {ALONE if alone else clip.name: found for clip, found in _encoded(job, clips, quiet)}
    if done:
        write_features(out, done, job.about)
    return len(done)


def _into_folder(job: Job, clips: list[NamedClip], out: Path, quiet: bool) -> int:
    """Writes a file for each clip as it is encoded; one of the same clip and encoder stays."""
    targets = {clip.name: out / f"{clip.name}{SUFFIX}" for clip in clips}
    about = {clip.name: {**job.about, "clip": _state(clip.path)} for clip in clips}
    missing = [clip for clip in clips if not _has(targets[clip.name], about[clip.name])]
    written = len(clips) - len(missing)
    for clip, features in _encoded(job, missing, quiet):
        write_features(targets[clip.name], {ALONE: features}, about[clip.name])
        written += 1
    return written


def _state(path: Path) -> str:
    """Changes when the file does."""
    found = path.stat()
    return f"{found.st_size} bytes, {found.st_mtime_ns} ns"


def _has(path: Path, about: Mapping[str, str]) -> bool:
    header = read_header(path)
    return header is not None and about.items() <= header.items()


def _encoded(
    job: Job, clips: Iterable[NamedClip], quiet: bool
) -> Iterator[tuple[NamedClip, ClipFeatures]]:
    """Yields features as they are computed; a sentence for each clip that cannot be used."""
    bar = tqdm(clips, unit="clip", leave=False, disable=quiet or not sys.stderr.isatty())
    with MediaReader() as reader, bar:
        for clip in bar:
            try:
                found = encode_clip(
                    job.encoder, clip.path, job.sampling, reader, _progress(bar, clip.name)
                )
            except ValueError as error:
                named = isinstance(error, MediaError)  # whose sentence names the file
                sentence = str(error) if named else f"{clip.name}: {error}."
                bar.write(for_terminal(sentence), file=sys.stderr)
                continue
            for warning in found.warnings:
                if not quiet:
                    bar.write(for_terminal(f"{clip.name}: {warning}"), file=sys.stderr)
            yield clip, found if job.tokens else replace(found, tokens=None, global_token=None)


def _progress(bar: "tqdm[NamedClip]", name: str) -> Callable[[int, int], None]:
    label = for_label(name, 40)

    def show(done: int, total: int) -> None:
        step = "encoding" if done == total else f"decoding {done}/{total}"
        bar.set_postfix_str(f"{label}: {step}")

    return show
