"""All benchmarks by name. A new benchmark is one file, imported here, and one line in the table."""

from evaluation.benchmarks.base import Benchmark
from evaluation.benchmarks.documents.chartqa import ChartQA
from evaluation.benchmarks.documents.docvqa import DocVQA, InfoVQA
from evaluation.benchmarks.documents.ocrbench import OCRBench
from evaluation.benchmarks.documents.textvqa import TextVQA
from evaluation.benchmarks.images.ai2d import AI2D
from evaluation.benchmarks.images.mmbench import MMBench
from evaluation.benchmarks.online.ovobench import OVOBench
from evaluation.benchmarks.own.photos import Photos
from evaluation.benchmarks.own.visitors import Visitors
from evaluation.benchmarks.own.worlds import Worlds
from evaluation.benchmarks.tasks.table import TASK_BENCHMARKS
from evaluation.benchmarks.video.longvideobench import LongVideoBench
from evaluation.benchmarks.video.lvbench import LVBench
from evaluation.benchmarks.video.mlvu import MLVU
from evaluation.benchmarks.video.motionbench import MotionBench
from evaluation.benchmarks.video.mvbench import MVBench
from evaluation.benchmarks.video.tempcompass import TempCompass
from evaluation.benchmarks.video.timelens import TimeLens
from evaluation.benchmarks.video.videomme import VideoMME
from evaluation.benchmarks.video.videomme_v2 import VideoMMEv2

BENCHMARKS: dict[str, Benchmark] = {
    "videomme": VideoMME(),
    "videomme_v2": VideoMMEv2(),
    "mvbench": MVBench(),
    "motionbench": MotionBench(),
    "tempcompass": TempCompass(),
    "mlvu": MLVU(),
    "longvideobench": LongVideoBench(),
    "lvbench": LVBench(),
    "timelens": TimeLens(),
    "ovobench": OVOBench(),
    "docvqa": DocVQA(),
    "infovqa": InfoVQA(),
    "chartqa": ChartQA(),
    "textvqa": TextVQA(),
    "ai2d": AI2D(),
    "mmbench": MMBench(),
    "ocrbench": OCRBench(),
    "worlds": Worlds(),
    "photos": Photos(),
    "visitors": Visitors(),
    **TASK_BENCHMARKS,  # of encoders
}
