"""What an encoder answers for each task: numbers as JSON (evaluation/benchmarks/tasks/base.py)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from data.tasks.masks import as_json, pack
from evaluation.benchmarks.tasks.base import pack_array
from evaluation.encoders.loaded import LoadedEncoder
from evaluation.encoders.views import chunks, views
from vlm.conversation import Video
from vlm.encoders.base import VideoFeatures
from vlm.heads.connected import instances
from vlm.heads.segments import ScoredSegment, all_segments, frame_edges, suppressed

BEST = 5  # classes that an answer names
MOST_SEGMENTS, MOST_WINDOWS, MOST_TRACKS = 200, 10, 10  # the last two of a class
SAME_ACTION = 0.7  # temporal IoU of two proposals, of which the better stays
SMALLEST = 16  # pixels of an instance in all frames
DIGITS = 5  # of scores in JSON


@dataclass(frozen=True, eq=False)
class Asked:
    """One question of a task."""

    video: Video
    texts: tuple[str, ...]  # its own sentences
    given: dict[str, Any]  # other fields of the benchmark
    classes: tuple[str, ...]
    num_frames: int  # of a clip
    clips: int = 1
    crops: int = 1


def recognition(encoder: LoadedEncoder, asked: Asked) -> dict[str, Any]:
    """Returns the mean over views of the probabilities of the classes, and of the unit features."""
    scores, features = [], []
    for clip, seconds in _views(encoder, asked):
        found = encoder.features(clip, seconds)
        scores.append(encoder.class_scores(found, asked.classes)[0])
        features.append(encoder.embed_video(found)[0])
    mean = torch.stack(scores).mean(0).cpu().numpy()
    order = np.argsort(-mean, kind="stable")[:BEST]
    return {
        "scores": pack_array(mean),
        "feature": pack_array(_mean_unit(features)),
        "best": [[asked.classes[i], round(float(mean[i]), DIGITS)] for i in order],
    }


def retrieval(encoder: LoadedEncoder, asked: Asked) -> dict[str, Any]:
    """Returns the unit features of the clip, the mean over views, and of its sentences."""
    found = [encoder.embed_video(encoder.features(*view))[0] for view in _views(encoder, asked)]
    texts = encoder.embed_text(asked.texts).float().cpu().numpy()
    return {"texts": pack_array(texts), "video": pack_array(_mean_unit(found))}


def localization(encoder: LoadedEncoder, asked: Asked) -> dict[str, Any]:
    """Segments of every class with scores, the best first."""
    find = _proposed_segments if encoder.proposes else _frames_segments
    found = [one for one in find(encoder, asked) if one.score > 0]  # the whole film, where none has
    found = sorted(found, key=lambda one: -one.score)[:MOST_SEGMENTS]
    return {"segments": [[one.label, *_rounded(one.start, one.end, one.score)] for one in found]}


def _frames_segments(encoder: LoadedEncoder, asked: Asked) -> list[ScoredSegment]:
    """Runs of frames that score high for a class (StreamFormer)."""
    scores, edges = _frame_scores(encoder, asked, asked.classes, "localization")
    classes = enumerate(asked.classes)
    return [one for k, label in classes for one in all_segments(scores[:, k], edges, label)]


def _proposed_segments(encoder: LoadedEncoder, asked: Asked) -> list[ScoredSegment]:
    """Proposals over the whole film, each as every class (Efficient-Prompt)."""
    parts = [encoder.embed_frames(found, T)[0] for found, T in _clips_features(encoder, asked)]
    frames = torch.cat(parts)[: len(asked.video.frames)]
    edges = _edges(asked)
    found = [
        ScoredSegment(edges[first], edges[behind], float(score), label)
        for first, behind, scores in encoder.proposed(frames, asked.classes)
        for label, score in zip(asked.classes, scores, strict=True)
    ]
    return suppressed(found, SAME_ACTION)


def grounding(encoder: LoadedEncoder, asked: Asked) -> dict[str, Any]:
    """Windows of the sentence with scores, the best first."""
    scores, edges = _frame_scores(encoder, asked, asked.texts[:1], "grounding")
    found = all_segments(scores[:, 0], edges, limit=MOST_WINDOWS)
    return {"windows": [_rounded(one.start, one.end, one.score) for one in found]}


def segmented(encoder: LoadedEncoder, asked: Asked) -> dict[str, Any]:
    """Tracks of every class: the connected parts of its mask, scored by their mean probability."""
    tracks = []
    for label, logits in zip(
        asked.classes, _mask_logits(encoder, asked, asked.classes, "instances"), strict=True
    ):
        tracks += tracks_of(label, logits)
    return {"tracks": tracks}


def tracks_of(label: str, logits: NDArray[np.float32]) -> list[list[Any]]:
    """The instances of a class from the logits [T, H, W] of its mask: label, score, masks."""
    found = []
    for mask in instances(logits > 0, SMALLEST, MOST_TRACKS):
        score = float((1 / (1 + np.exp(-logits[mask]))).mean())
        found.append([label, round(score, DIGITS), _packed(mask)])
    return found


def referred(encoder: LoadedEncoder, asked: Asked) -> dict[str, Any]:
    """Returns the mask of the expression on every frame."""
    (logits,) = _mask_logits(encoder, asked, asked.texts[:1], "referring")
    return {"masks": _packed(logits > 0)}


def num_pieces(task: str, asked: Asked, clip_frames: int) -> int:
    """Returns how many clips the encoder takes for one question."""
    if task in ("recognition", "retrieval"):
        return asked.clips * asked.crops
    return len(chunks(len(asked.video.frames), clip_frames))


PREDICT: dict[str, Callable[[LoadedEncoder, Asked], dict[str, Any]]] = {
    "recognition": recognition,
    "retrieval": retrieval,
    "localization": localization,
    "grounding": grounding,
    "instances": segmented,
    "referring": referred,
}


def _views(encoder: LoadedEncoder, asked: Asked) -> list[tuple[Tensor, list[float]]]:
    """Returns the inputs of all views: clip [1, T, 3, S, S], seconds."""
    found = views(asked.video.frames, asked.video.times, asked.num_frames, asked.clips, asked.crops)
    return [(encoder.pixels(frames), seconds) for frames, seconds in found]


def _frame_scores(
    encoder: LoadedEncoder, asked: Asked, texts: Sequence[str], task: str
) -> tuple[NDArray[np.float64], list[float]]:
    """Probabilities [T, K] at the frames of a film, and the T + 1 borders between them."""
    clips = _clips_features(encoder, asked)
    parts = [encoder.frame_scores(features, texts, T, task)[0] for features, T in clips]
    scores = torch.cat(parts)[: len(asked.video.frames)].double().cpu().numpy()
    return scores, _edges(asked)


def _clips_features(encoder: LoadedEncoder, asked: Asked) -> Iterator[tuple[VideoFeatures, int]]:
    """Yields the features of a film clip by clip, and the number of frames in each."""
    frames, times = asked.video.frames, asked.video.times
    for places in chunks(len(frames), encoder.num_frames):
        seconds = [float(times[place]) for place in places]
        yield encoder.features(encoder.pixels(frames[places]), seconds), len(places)


def _edges(asked: Asked) -> list[float]:
    """The T + 1 borders between the frames of a film, in seconds."""
    return frame_edges([float(t) for t in asked.video.times], asked.video.duration)


def _mask_logits(
    encoder: LoadedEncoder, asked: Asked, texts: Sequence[str], task: str
) -> Iterator[NDArray[np.float32]]:
    """Yields the logits [T, H, W] of every text's mask at the size of the clip.

    Upsampled text by text, since all classes of a large frame would not fit into memory.
    """
    frames = asked.video.frames
    if len(frames) != asked.given["frames"]:
        raise ValueError(
            f"masks need all {asked.given['frames']} frames, not {len(frames)}; leave --frames out."
        )
    clips = _clips_features(encoder, asked)
    parts = [encoder.mask_logits(features, texts, T, task)[0] for features, T in clips]
    logits = torch.cat(parts)[: len(frames)].float()  # [T, K, h, w]
    height, width = asked.given["size"]
    for k in range(logits.shape[1]):
        large = F.interpolate(
            logits[:, k : k + 1], (height, width), mode="bilinear", align_corners=False
        )
        yield large[:, 0].cpu().numpy()


def _packed(mask: NDArray[np.bool_]) -> list[dict[str, Any] | None]:
    return [as_json(pack(frame)) if frame.any() else None for frame in mask]


def _mean_unit(features: Sequence[Tensor]) -> NDArray[np.float32]:
    units = F.normalize(torch.stack(list(features)).float(), dim=-1)
    return F.normalize(units.mean(0), dim=-1).cpu().numpy()


def _rounded(*numbers: float) -> list[float]:
    return [round(float(number), DIGITS) for number in numbers]
