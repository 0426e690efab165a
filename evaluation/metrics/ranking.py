"""Top-k accuracy and retrieval ranks. A tie with the right one counts against it.

So a model that gives every class the same score is wrong, not right by the order of the classes.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]


def rank_of(scores: Scores, right: int) -> int:
    """Returns the rank of one of K scores [K], from 1; not a number ranks last."""
    if np.isnan(scores[right]):
        return len(scores)
    return int((scores >= scores[right]).sum() + np.isnan(scores).sum())


def text_to_video(similarities: Scores, video_of: Sequence[int]) -> NDArray[np.int64]:
    """Returns the rank of each text's video: similarities [N, M] of N texts and M videos -> [N]."""
    return np.array(
        [rank_of(row, right) for row, right in zip(similarities, video_of, strict=True)]
    )


def video_to_text(similarities: Scores, video_of: Sequence[int]) -> NDArray[np.int64]:
    """Returns for each video with a text the best rank among its texts: [N, M] -> at most [M].

    The other texts of the same video are not rivals of the best one.
    """
    owners = np.asarray(video_of)
    ranks = []
    for video in np.unique(owners):
        column = similarities[:, video]
        best = np.nanmax(np.append(column[owners == video], -np.inf))
        rivals = column[owners != video]
        ranks.append(1 + int((rivals >= best).sum() + np.isnan(rivals).sum()))
    return np.array(ranks)


def recall(ranks: NDArray[np.int64], k: int) -> float:
    """Returns the share of ranks of at most k, 0 to 1."""
    return float((ranks <= k).mean())


def median_rank(ranks: NDArray[np.int64]) -> float:
    """Returns the median rank; the mean of the two middle ones of an even number."""
    return float(np.median(ranks))
