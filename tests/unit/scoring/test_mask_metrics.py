"""Metrics of masks against COCO's and DAVIS's own evaluation, on nasty random cases."""

import contextlib
import io
import math

import numpy as np
import pytest
from pycocotools import mask as coco
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from skimage.morphology import dilation, disk

from data.tasks.annotations import Rle
from data.tasks.masks import pack
from evaluation.metrics.average_precision import (
    Matches,
    average_precision,
)
from evaluation.metrics.mask_tracks import LEVELS, match_tracks, track_overlaps
from evaluation.metrics.regions import contour_accuracy, contour_of, region_similarity

# Tracks: COCO's own evaluation of the frames of a video, stacked into one tall picture

H, W, T = 9, 7, 3


def random_tracks(rng: np.random.Generator, num: int) -> np.ndarray:
    """Boxes that drift, some missing on some frames: [N, T, H, W]."""
    tracks = np.zeros((num, T, H, W), dtype=bool)
    for track in tracks:
        row, column = rng.integers(0, H - 2), rng.integers(0, W - 2)
        for frame in track:
            if rng.random() < 0.8:
                frame[row : row + rng.integers(2, 6), column : column + rng.integers(2, 5)] = True
            row, column = max(0, row + rng.integers(-1, 2)), max(0, column + rng.integers(-1, 2))
        track[0, H - 1, W - 1] |= not track.any()
    return tracks


def as_track(track: np.ndarray) -> list[Rle | None]:
    return [pack(frame) if frame.any() else None for frame in track]


def tall(track: np.ndarray) -> dict[str, object]:
    return coco.encode(np.asfortranarray(track.reshape(T * H, W).astype(np.uint8)))


@pytest.mark.parametrize("seed", range(25))
def test_mask_ap_is_cocos_where_a_video_is_one_tall_picture(seed: int) -> None:
    rng = np.random.default_rng(seed)
    videos, categories = range(1, 5), range(1, 4)
    truth, found = COCO(), []
    annotations = []
    matches: dict[int, list[Matches]] = {c: [] for c in categories}
    for video in videos:
        for category in categories:
            real = random_tracks(rng, int(rng.integers(0, 4)))
            ours = random_tracks(rng, int(rng.integers(0, 5)))
            for i in range(min(len(real), len(ours))):  # some are near, some exact
                if rng.random() < 0.7:
                    ours[i] = real[i]
                    ours[i, :, :, : int(rng.integers(0, 3))] = False
            ours = ours[[track.any() for track in ours]]
            scores = rng.permutation(20)[: len(ours)] / 20 + rng.random(len(ours)) / 100
            for track in real:
                rle = tall(track)
                about = {"id": len(annotations) + 1, "image_id": video, "category_id": category}
                about |= {"segmentation": rle, "area": float(coco.area(rle)), "iscrowd": 0}
                annotations.append(about)
            for track, score in zip(ours, scores, strict=True):
                about = {"image_id": video, "category_id": category, "score": float(score)}
                found.append(about | {"segmentation": tall(track)})
            detections = [(as_track(t), float(s)) for t, s in zip(ours, scores, strict=True)]
            matches[category].append(match_tracks(detections, [as_track(t) for t in real]))
    with contextlib.redirect_stdout(io.StringIO()):
        truth.dataset = {
            "images": [{"id": v, "height": T * H, "width": W} for v in videos],
            "categories": [{"id": c, "name": str(c)} for c in categories],
            "annotations": annotations,
        }
        truth.createIndex()
        official = COCOeval(truth, truth.loadRes(found), "segm")
        official.evaluate()
        official.accumulate()
    precision = official.eval["precision"][:, :, :, 0, 2]  # [levels, recalls, categories]
    for place, category in enumerate(categories):
        ours = average_precision(matches[category], "101")
        wanted = precision[:, :, place]
        if ours is None:
            assert (wanted == -1).all()
        else:
            np.testing.assert_allclose(ours, wanted.mean(1), atol=1e-9)
    assert len(LEVELS) == 10


def test_overlap_of_tracks_counts_pixels_of_all_frames() -> None:
    rng = np.random.default_rng(1)
    ours, truths = random_tracks(rng, 5), random_tracks(rng, 4)
    found = track_overlaps([as_track(t) for t in ours], [as_track(t) for t in truths])
    for i, a in enumerate(ours):
        for j, b in enumerate(truths):
            assert found[i, j] == (a & b).sum() / (a | b).sum()
    assert track_overlaps([], [as_track(t) for t in truths]).shape == (0, 4)
    assert track_overlaps([as_track(ours[0])], []).shape == (1, 0)


# Regions: as DAVIS's code has it, with dilation by a library


def davis_f(ours: np.ndarray, truth: np.ndarray) -> float:
    near = disk(math.ceil(0.008 * np.linalg.norm(ours.shape)))

    def edges(mask: np.ndarray) -> np.ndarray:
        e, s, se = (np.zeros_like(mask) for _ in range(3))
        e[:, :-1], s[:-1, :], se[:-1, :-1] = mask[:, 1:], mask[1:, :], mask[1:, 1:]
        b = mask ^ e | mask ^ s | mask ^ se
        b[-1, :], b[:, -1] = mask[-1, :] ^ e[-1, :], mask[:, -1] ^ s[:, -1]
        b[-1, -1] = False
        return b

    a, b = edges(ours), edges(truth)
    assert (contour_of(ours) == a).all()
    if not a.any() and b.any():
        precision, recalled = 1.0, 0.0
    elif a.any() and not b.any():
        precision, recalled = 0.0, 1.0
    elif not a.any():
        precision = recalled = 1.0
    else:
        precision = (a & dilation(b.astype(np.uint8), near).astype(bool)).sum() / a.sum()
        recalled = (b & dilation(a.astype(np.uint8), near).astype(bool)).sum() / b.sum()
    return 0.0 if precision + recalled == 0 else 2 * precision * recalled / (precision + recalled)


@pytest.mark.parametrize("seed", range(40))
def test_regions_are_compared_as_davis_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = (int(rng.integers(2, 60)), int(rng.integers(2, 400)))
    masks = []
    for _ in range(2):
        mask = np.zeros(size, dtype=bool)
        for _ in range(rng.integers(0, 4)):
            row, column = rng.integers(0, size[0]), rng.integers(0, size[1])
            mask[row : row + rng.integers(1, 30), column : column + rng.integers(1, 90)] ^= True
        masks.append(mask)
    if seed % 5 == 0:
        masks[0] = masks[1] | (rng.random(size) < 0.02)
    assert contour_accuracy(*masks) == pytest.approx(davis_f(*masks), abs=1e-12)
    pixels = [set(zip(*np.nonzero(mask), strict=True)) for mask in masks]
    union = pixels[0] | pixels[1]
    wanted = len(pixels[0] & pixels[1]) / len(union) if union else 1.0
    assert region_similarity(*masks) == wanted
