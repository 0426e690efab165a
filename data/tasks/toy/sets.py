"""All toy sets by name."""

from collections.abc import Callable
from pathlib import Path

from data.tasks.toy.classes import toy_hmdb51, toy_kinetics, toy_ssv2, toy_ucf101
from data.tasks.toy.objects import toy_mevis, toy_ytvis
from data.tasks.toy.segments import (
    toy_activitynet,
    toy_charades_sta,
    toy_fineaction,
    toy_hacs,
    toy_qvhighlights,
    toy_thumos,
)
from data.tasks.toy.sentences import toy_didemo, toy_msrvtt

# Each takes the folder, the number of clips in both splits together, and the seed.
TOY_SETS: dict[str, Callable[[Path, int, int], None]] = {
    "kinetics": toy_kinetics,
    "ssv2": toy_ssv2,
    "ucf101": toy_ucf101,
    "hmdb51": toy_hmdb51,
    "msrvtt": toy_msrvtt,
    "didemo": toy_didemo,
    "thumos": toy_thumos,
    "activitynet": toy_activitynet,
    "hacs": toy_hacs,
    "fineaction": toy_fineaction,
    "charades-sta": toy_charades_sta,
    "qvhighlights": toy_qvhighlights,
    "ytvis": toy_ytvis,
    "mevis": toy_mevis,
}
