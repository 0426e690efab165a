"""The benchmarks of an encoder's tasks by name: those of `data.tasks.table`."""

from data.tasks.annotations import Captioned, Grounded, Localized, Recognition
from data.tasks.table import TASK_SETS
from evaluation.benchmarks.tasks.base import TaskBenchmark
from evaluation.benchmarks.tasks.grounding import GroundingBenchmark
from evaluation.benchmarks.tasks.localization import LocalizationBenchmark
from evaluation.benchmarks.tasks.masks import InstancesBenchmark, ReferringBenchmark
from evaluation.benchmarks.tasks.recognition import RecognitionBenchmark
from evaluation.benchmarks.tasks.retrieval import RetrievalBenchmark

OF_TASK: dict[type, type[TaskBenchmark]] = {
    Recognition: RecognitionBenchmark,
    Captioned: RetrievalBenchmark,
    Localized: LocalizationBenchmark,
    Grounded: GroundingBenchmark,
}
OF_SET: dict[str, type[TaskBenchmark]] = {
    "ytvis": InstancesBenchmark,
    "mevis": ReferringBenchmark,
}
TASK_BENCHMARKS: dict[str, TaskBenchmark] = {
    name: (OF_SET.get(name) or OF_TASK[form.task])(name) for name, form in TASK_SETS.items()
}
