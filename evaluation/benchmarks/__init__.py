"""The benchmarks there are, by name."""

from evaluation.benchmarks.ai2d import AI2D
from evaluation.benchmarks.base import Benchmark
from evaluation.benchmarks.chartqa import ChartQA
from evaluation.benchmarks.docvqa import DocVQA
from evaluation.benchmarks.infovqa import InfoVQA
from evaluation.benchmarks.longvideobench import LongVideoBench
from evaluation.benchmarks.mlvu import MLVU
from evaluation.benchmarks.mmbench import MMBench
from evaluation.benchmarks.mvbench import MVBench
from evaluation.benchmarks.ocrbench import OCRBench
from evaluation.benchmarks.photos import Photos
from evaluation.benchmarks.textvqa import TextVQA
from evaluation.benchmarks.videomme import VideoMME
from evaluation.benchmarks.worlds import Worlds

BENCHMARKS: dict[str, Benchmark] = {
    "videomme": VideoMME(),
    "mvbench": MVBench(),
    "mlvu": MLVU(),
    "longvideobench": LongVideoBench(),
    "docvqa": DocVQA(),
    "infovqa": InfoVQA(),
    "chartqa": ChartQA(),
    "textvqa": TextVQA(),
    "ai2d": AI2D(),
    "mmbench": MMBench(),
    "ocrbench": OCRBench(),
    "worlds": Worlds(),
    "photos": Photos(),
}
