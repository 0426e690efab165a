"""Checks the machine for `python -m app doctor`: what is present, what is missing, how to fix it.

Each finding is one line: the subject, the result, and a fix if needed. Nothing is loaded or
downloaded; the embedded model's files are compared with their manifest.
"""

import functools
import json
import platform
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version

import torch
from PIL import features

from vlm.fit.estimate import Load
from vlm.fit.hardware import (
    best_device,
    cpu_multiplies_bfloat16,
    cpu_name,
    default_dtype,
    gigabytes,
    memory_of,
)
from vlm.llamacpp.fit import LlamaNeed, estimate
from vlm.media.readers.container import readable_codecs
from vlm.presets import preset_config
from vlm.weights.io.cache import is_built, verify
from vlm.weights.io.files import WeightsError, cache_dir
from vlm.weights.shipped import SHIPPED, fingerprint

PUBLISHED, SHORT_CONTEXT = "PVC-InternVL2-8B", 8192
ROOM = 2e9  # bytes: the embedded model and its base models, with a margin
MARKS = {"good": "ok", "optional": "--", "bad": "!!"}
NEEDED = ("torch", "transformers", "safetensors", "numpy", "pillow", "av")
# Optional packages: name, purpose, install command.
OPTIONAL = (
    ("gradio", "the page in the browser", 'pip install -e ".[app]"'),
    ("onnxruntime", "reading text in pictures", 'pip install -e ".[experts]"'),
    ("rapidocr", "reading text in pictures", "pip install --no-deps rapidocr"),
    ("accelerate", "training, --device-map", 'pip install -e ".[train]"'),
    ("peft", "training with LoRA", 'pip install -e ".[train]"'),
    ("pyarrow", "evaluation", 'pip install -e ".[evaluation]"'),
    ("decord", "a second video decoder", 'pip install -e ".[decord]"'),
    ("pillow-heif", "HEIC images", 'pip install -e ".[heic]"'),
    ("torchao", "--quantize 8bit on a CPU", 'pip install -e ".[quantize]"'),
    ("bitsandbytes", "--quantize on a GPU", 'pip install -e ".[quantize]"'),
    ("llama-cpp-python", "--engine llama.cpp, faster on a CPU", 'pip install -e ".[llama]"'),
    ("datasets", "benchmarks from the hub", 'pip install -e ".[hub]"'),
)


@dataclass(frozen=True)
class Finding:
    """The result of one check."""

    section: str
    name: str
    found: str
    state: str = "good"  # or "optional" (missing, not required), or "bad"
    fix: str = ""


def doctor(as_json: bool = False) -> tuple[str, bool]:
    """Returns the report and whether every required check passed."""
    findings = list(examine())
    healthy = all(finding.state != "bad" for finding in findings)
    if as_json:
        return json.dumps([asdict(finding) for finding in findings], indent=2), healthy
    return "\n".join(_lines(findings, healthy)), healthy


def examine() -> Iterator[Finding]:
    yield from _packages()
    yield from _hardware()
    yield from _media()
    yield from _weights()
    yield from _larger()


def _packages() -> Iterator[Finding]:
    section = "Packages"
    yield Finding(section, "python", platform.python_version())
    for name in NEEDED:
        found = _version(name)
        if found:
            yield Finding(section, name, found)
        else:
            yield Finding(section, name, "missing", "bad", "pip install -e .")
    for name, purpose, fix in OPTIONAL:
        found = _version(name)
        if found:
            yield Finding(section, name, found)
        else:
            yield Finding(section, name, f"not installed: {purpose}", "optional", fix)


def _hardware() -> Iterator[Finding]:
    section = "Machine"
    threads = torch.get_num_threads()
    native = cpu_multiplies_bfloat16()
    yield Finding(section, "processor", f"{cpu_name()}, {threads} threads")
    words = "native" if native else "emulated; float32 is used instead"
    yield Finding(section, "bfloat16", words)
    if not torch.cuda.is_available():
        yield Finding(section, "GPU", "none visible to torch; the CPU computes answers", "optional")
    for index in range(torch.cuda.device_count()):
        device = torch.device("cuda", index)
        memory = memory_of(device)
        words = f"{memory.name.removeprefix('on ')}, {gigabytes(memory.free)} of"
        yield Finding(section, f"cuda:{index}", f"{words} {gigabytes(memory.total)} free")
    memory = memory_of(torch.device("cpu"))
    words = f"{gigabytes(memory.free)} of {gigabytes(memory.total)} free"
    yield Finding(section, "memory", words, *_short(memory.free, "Close other programs."))
    dtype = str(default_dtype(best_device())).removeprefix("torch.")
    flash = " and flash-attn" if _version("flash-attn") else ""
    yield Finding(section, "attention", f"torch's own kernels (SDPA){flash}; numbers in {dtype}")


def _media() -> Iterator[Finding]:
    codecs = readable_codecs()
    there = ", ".join(name for name, readable in codecs.items() if readable)
    yield Finding("Media", "videos", f"PyAV {_version('av')} reads {there}")
    missing = ", ".join(name for name, readable in codecs.items() if not readable)
    if missing:
        fix = "pip install --force-reinstall --no-cache-dir av"
        yield Finding("Media", "missing", f"no decoder for {missing}", "bad", fix)
    kinds = [name for name in ("webp", "avif") if features.check(name)]
    heic = ", HEIC" if _version("pillow-heif") else ""
    words = ", ".join(["JPEG", "PNG", "GIF", "TIFF", "BMP", *(name.upper() for name in kinds)])
    yield Finding("Media", "pictures", f"Pillow {_version('pillow')} reads {words}{heic}")


def _weights() -> Iterator[Finding]:
    section, cache = "Embedded model", cache_dir()
    exists = next(path for path in (cache, *cache.parents) if path.exists())
    free = shutil.disk_usage(exists).free
    words = f"{cache}, {gigabytes(free)} free on its disk"
    yield Finding(section, "cache", words, *_short(free, "Set REVISIT_CACHE to another folder."))
    folder = cache / "embedded"
    try:
        if is_built(folder, fingerprint(SHIPPED)):
            verify(folder)
            yield Finding(section, "weights", "present, checksums match")
        else:
            fix = "python -m vlm.weights embedded"
            yield Finding(section, "weights", "not assembled yet", "optional", fix)
    except WeightsError as error:
        fix = f"rm -r {folder}; python -m vlm.weights embedded"
        yield Finding(section, "weights", str(error), "bad", fix)


def _larger() -> Iterator[Finding]:
    """What the published model takes in 4 bits with llama.cpp, which any laptop can compute."""
    memory = memory_of(torch.device("cpu"))
    need = _need_of_8b()
    words = (
        f"as q4_k with --engine llama.cpp: {gigabytes(need.text)} of language model,"
        f" {gigabytes(need.vision)} of tower and compressor, in all {gigabytes(need.total)} for"
        f" {SHORT_CONTEXT:,} tokens"
    )
    if need.total < memory.free:
        yield Finding("Larger models", PUBLISHED, f"{words}: fits")
    else:
        short = f"{words}: {gigabytes(memory.free)} are free"
        yield Finding("Larger models", PUBLISHED, short, "optional")


@functools.cache
def _need_of_8b() -> LlamaNeed:
    config = preset_config(PUBLISHED.lower())
    return estimate(config, "q4_k", torch.bfloat16, Load.of(config, SHORT_CONTEXT))


def _short(free: float, fix: str) -> tuple[str, str]:
    return ("good", "") if free > ROOM else ("bad", fix)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _lines(findings: list[Finding], healthy: bool) -> Iterator[str]:
    width = max(len(finding.name) for finding in findings)
    section = ""
    for finding in findings:
        if finding.section != section:
            section = finding.section
            yield f"\n{section}"
        fix = f"   ({finding.fix})" if finding.fix else ""
        yield f"  {MARKS[finding.state]}  {finding.name:<{width}}  {finding.found}{fix}"
    yield ""
    yield "All is well." if healthy else "Fix the entries marked !!."
