"""All data sets by name. A new one is a reader in data/tasks/formats and one line here."""

from pathlib import Path
from typing import Any

from data.tasks.annotations import TaskSet
from data.tasks.formats.activitynet import ACTIVITYNET, FINEACTION, HACS
from data.tasks.formats.captions import DIDEMO, MSRVTT
from data.tasks.formats.clip_lists import KINETICS, SOMETHING_V2
from data.tasks.formats.grounding import CHARADES_STA, QVHIGHLIGHTS
from data.tasks.formats.mevis import MEVIS
from data.tasks.formats.split_lists import HMDB51, UCF101
from data.tasks.formats.thumos import THUMOS14
from data.tasks.formats.youtube_vis import YOUTUBE_VIS
from data.tasks.set_format import SetFormat
from vlm.unknown_name import did_you_mean

TASK_SETS: dict[str, SetFormat] = {
    "kinetics": KINETICS,
    "ssv2": SOMETHING_V2,
    "ucf101": UCF101,
    "hmdb51": HMDB51,
    "msrvtt": MSRVTT,
    "didemo": DIDEMO,
    "thumos": THUMOS14,
    "activitynet": ACTIVITYNET,
    "hacs": HACS,
    "fineaction": FINEACTION,
    "charades-sta": CHARADES_STA,
    "qvhighlights": QVHIGHLIGHTS,
    "ytvis": YOUTUBE_VIS,
    "mevis": MEVIS,
}


def read_set(name: str, folder: Path, split: str = "") -> TaskSet[Any]:
    """Reads a split of a set; without one, the split that papers train on.

    Raises ValueError, one sentence, for an unknown name and for everything wrong with the files.
    """
    if name not in TASK_SETS:
        raise ValueError(
            f"no data set {name!r}; there are {', '.join(TASK_SETS)}{did_you_mean(name, TASK_SETS)}"
        )
    return TASK_SETS[name].read(folder, split or TASK_SETS[name].train)
