"""Named groups of benchmarks: `python -m evaluation run video` runs all of a group in one go."""

from collections.abc import Sequence

from evaluation.benchmarks import BENCHMARKS
from vlm.unknown_name import did_you_mean

GROUPS: dict[str, tuple[str, ...]] = {
    "video": ("videomme", "videomme_v2", "mvbench", "mlvu", "longvideobench", "lvbench"),
    "documents": ("docvqa", "infovqa", "chartqa", "textvqa", "ocrbench"),
    "images": ("ai2d", "mmbench"),
    "motion": ("motionbench", "tempcompass", "timelens"),
    "online": ("ovobench",),
    "recognition": ("kinetics", "ssv2", "ucf101", "hmdb51"),
    "retrieval": ("msrvtt", "didemo"),
    "localization": ("thumos", "activitynet", "hacs", "fineaction"),
    "grounding": ("charades-sta", "qvhighlights"),
    "masks": ("ytvis", "mevis"),
}


def expanded(names: Sequence[str]) -> list[str]:
    """Returns the benchmarks of names and groups, each once. Raises ValueError for others."""
    found: dict[str, None] = {}
    for name in names:
        if name not in GROUPS and name not in BENCHMARKS:
            raise ValueError(
                f"there is no benchmark {name!r}; known are {', '.join(BENCHMARKS)},"
                f" and the groups {', '.join(GROUPS)}{did_you_mean(name, [*BENCHMARKS, *GROUPS])}"
            )
        found |= dict.fromkeys(GROUPS.get(name, (name,)))
    return list(found)
