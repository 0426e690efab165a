"""`python -m evaluation list`: the benchmarks and their options."""

import textwrap

from evaluation.answers.versions import FOLLOWED
from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.base import Benchmark
from evaluation.groups import GROUPS

INDENT = 16
WIDTH = 100


def listing() -> list[str]:
    """Returns lines with each benchmark's name, required files and modes, defaults first."""
    lines = []
    for name, benchmark in BENCHMARKS.items():
        lines.append(f"{name:{INDENT}}{benchmark.title}, {benchmark.metric}")
        for label, text in _facts(benchmark):
            lines += textwrap.wrap(
                f"{label:9}{text}",
                WIDTH,
                initial_indent=" " * INDENT,
                subsequent_indent=" " * (INDENT + 9),
                break_on_hyphens=False,
            )
        lines.append("")
    groups = "; ".join(f"{group}: {', '.join(names)}" for group, names in GROUPS.items())
    return [
        *lines,
        f"Groups, which `run` takes as well: {groups}.",
        "The first value of each option is the default. --data DIR holds one folder per name.",
        "Modes follow: " + "; ".join(f"{mode}: {what}" for mode, what in FOLLOWED.items()) + ".",
    ]


def _facts(benchmark: Benchmark) -> list[tuple[str, str]]:
    facts = [("needs", benchmark.needs)]
    if benchmark.hub is not None:
        facts.append(("--hub", benchmark.hub.repo))
    facts.append(("--mode", ", ".join(benchmark.modes)))
    if len(benchmark.prompt_modes) > 1:
        facts.append(("--prompt", ", ".join(benchmark.prompt_modes)))
    if len(benchmark.splits) > 1:
        facts.append(("--split", ", ".join(benchmark.splits)))
    if benchmark.has_subtitles:
        facts.append(("also", "--subtitles (off by default)"))
    return facts
