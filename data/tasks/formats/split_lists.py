"""The three splits of UCF101 and of HMDB51.

    ucf101/ucfTrainTestlist/classInd.txt, trainlist01.txt, testlist01.txt
    ucf101/UCF-101/CLASS/v_CLASS_g01_c01.avi
    hmdb51/testTrainMulti_7030_splits/CLASS_test_split1.txt      FILE.avi 1: training, 2: test
    hmdb51/hmdb51/CLASS/FILE.avi, or hmdb51/CLASS/FILE.avi

Splits are named train1, test1, train2, ... Clips of a group g01 are cut from one video of UCF101.
"""

import re
from pathlib import Path

from data.tasks.annotations import Recognition, TaskSet
from data.tasks.files import inside, text_lines
from data.tasks.set_format import SetFormat

SPLITS = tuple(f"{side}{number}" for number in (1, 2, 3) for side in ("train", "test"))
UCF_LISTS, HMDB_LISTS = "ucfTrainTestlist", "testTrainMulti_7030_splits"
USES = {"train": "1", "test": "2"}  # in HMDB51's lists; 0 is neither


def _ucf_files(folder: Path, split: str) -> list[Path]:
    lists = folder / UCF_LISTS
    return [lists / f"{split[:-1]}list{int(split[-1]):02d}.txt", lists / "classInd.txt"]


def _ucf(folder: Path, split: str) -> TaskSet[Recognition]:
    listed, of_classes = _ucf_files(folder, split)
    classes = []
    for where, line in text_lines(of_classes):
        if not (match := re.fullmatch(r"\d+\s+(\S+)", line)):
            raise ValueError(f"{where} must be NUMBER CLASS, not {line[:60]!r}")
        classes.append(match[1])
    root = folder / "UCF-101" if (folder / "UCF-101").is_dir() else folder
    clips = []
    for where, line in text_lines(listed):
        file = line.split()[0]
        label, slash, name = file.partition("/")
        if not slash or "/" in name:
            raise ValueError(f"{where} must be CLASS/FILE.avi, not {line[:60]!r}")
        group = re.sub(r"_c\d+$", "", Path(name).stem)
        clips.append(Recognition(file, inside(root, file, where), label, group=group))
    return TaskSet(clips, tuple(classes))


def _hmdb_files(folder: Path, split: str) -> list[Path]:
    pattern = f"*_test_split{split[-1]}.txt"
    found = sorted((folder / HMDB_LISTS).glob(pattern)) or sorted(folder.glob(pattern))
    return found or [folder / HMDB_LISTS / f"CLASS_test_split{split[-1]}.txt"]


def _hmdb(folder: Path, split: str) -> TaskSet[Recognition]:
    root = folder / "hmdb51" if (folder / "hmdb51").is_dir() else folder
    classes, clips = [], []
    for path in _hmdb_files(folder, split):
        label = path.name.removesuffix(f"_test_split{split[-1]}.txt")
        classes.append(label)
        for where, line in text_lines(path):
            file, _, use = line.rpartition(" ")
            if use not in ("0", "1", "2") or not file:
                raise ValueError(f"{where} must be FILE.avi and 0, 1 or 2, not {line[:60]!r}")
            name = f"{label}/{file.strip()}"
            if use == USES[split[:-1]]:
                clips.append(Recognition(name, inside(root, name, where), label))
    return TaskSet(clips, tuple(classes))


UCF101 = SetFormat(
    title="UCF101",
    task=Recognition,
    needs="ucfTrainTestlist/ with classInd.txt, trainlist01.txt and testlist01.txt, and the clips"
    " in UCF-101/CLASS/",
    train="train1",
    test="test1",
    splits=SPLITS,
    files=_ucf_files,
    load=_ucf,
)
HMDB51 = SetFormat(
    title="HMDB51",
    task=Recognition,
    needs="testTrainMulti_7030_splits/CLASS_test_split1.txt, and the clips in hmdb51/CLASS/",
    train="train1",
    test="test1",
    splits=SPLITS,
    files=_hmdb_files,
    load=_hmdb,
)
