"""What `python -m evaluation list` says."""

from evaluation.benchmarks import BENCHMARKS


def listing() -> list[str]:
    """Each benchmark: its name, what it needs on disk, its modes; defaults come first."""
    lines = []
    for name, benchmark in BENCHMARKS.items():
        lines += [
            f"{name:16}{benchmark.title}, {benchmark.metric}",
            f"{'':16}needs    {benchmark.needs}",
            f"{'':16}--mode   {', '.join(benchmark.modes)}",
        ]
        if len(benchmark.prompt_modes) > 1:
            lines.append(f"{'':16}--prompt {', '.join(benchmark.prompt_modes)}")
        if len(benchmark.splits) > 1:
            lines.append(f"{'':16}--split  {', '.join(benchmark.splits)}")
        if benchmark.has_subtitles:
            lines.append(f"{'':16}--subtitles, without them by default")
        lines.append("")
    return [*lines, "What stands first is the default. --data DIR holds a folder of each name."]
