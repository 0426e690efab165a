"""A benchmark with the settings of one run."""

from dataclasses import dataclass
from pathlib import Path

from evaluation.asking.answerer import GenerateSettings
from evaluation.benchmarks.base import Benchmark, Options
from vlm.inference.settings import Sampling


@dataclass(frozen=True)
class Task:
    """A benchmark and its settings. None is the benchmark's default, then the model's."""

    benchmark: Benchmark
    folder: Path  # its data
    options: Options = Options()
    num_frames: int | None = None
    max_tiles: int | None = None
    looks: int | None = None
    max_new_tokens: int | None = None
    media: bool = True  # False: blind
    words_only: bool = False  # the experts' words in place of media
    workers: int | None = None  # that decode ahead; None: by the number of CPUs
    hub: str | None = None  # the revision on the hub to read, instead of `folder`
    clips: int = 1  # of a video, and crops of each, that an encoder averages
    crops: int = 1

    def settings(self, default_frames: int) -> GenerateSettings:
        """Returns the settings with defaults resolved."""
        benchmark = self.benchmark
        return GenerateSettings(
            num_frames=self.num_frames
            or (None if benchmark.as_in_chat else benchmark.num_frames or default_frames),
            max_tiles=self.max_tiles or benchmark.max_tiles,
            looks=self.looks,
            max_new_tokens=self.max_new_tokens or benchmark.max_new_tokens,
            media=self.media,
            words_only=self.words_only,
            repetition_penalty=Sampling().repetition_penalty if benchmark.as_in_chat else 1.0,
            frame_by_frame=benchmark.online,
            clips=self.clips,
            crops=self.crops,
        )
