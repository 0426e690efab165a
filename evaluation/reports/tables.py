"""Numbers as text: the table of a run, its breakdowns, and the sentences a reader must not miss."""

from collections.abc import Sequence
from typing import Any

MOST_ROWS = 12  # of a breakdown, in the terminal
NOTHING = {"value": None, "standard_error": None, "interval": None}
HEAD = ("value", "std. error", "95 % interval", "n", "unanswered")


def table(found: Sequence[dict[str, Any]]) -> list[str]:
    """The headline of each benchmark, its other modes below it, and what is missing."""
    rows: list[list[str]] = [["", "mode", *HEAD]]
    notes: list[str] = []
    for one in found:
        names = [one["mode"], *(name for name in one["modes"] if name != one["mode"])]
        for name in names:
            complete = one["state"] == "complete"
            numbers = one["modes"][name] if complete else {**one["modes"][name], **NOTHING}
            label = one["title"] if name == names[0] else ""
            rows.append([label, name, *cells(numbers)])
        notes += [f"{one['title']}: {note}" for note in remarks(one)]
    return [*aligned(rows), *([""] if notes else []), *notes]


def cells(numbers: dict[str, Any]) -> list[str]:
    """Value, error, interval, n and unanswered as texts; a dash for what there is not."""
    interval = numbers["interval"]
    return [
        _number(numbers["value"]),
        _number(numbers["standard_error"]),
        f"{interval[0]:.2f} to {interval[1]:.2f}" if interval else "-",
        f"{numbers['n']:,}",
        f"{numbers['unanswered']:,}",
    ]


def remarks(one: dict[str, Any]) -> list[str]:
    """What a reader must know of a benchmark's numbers, a sentence each."""
    counts, numbers = one["counts"], one["modes"][one["mode"]]
    said = []
    if one["state"] == "partial":
        said.append(
            f"not finished, {counts['answered']:,} of {counts['asked']:,} answered"
            f" ({counts['failed']:,} failed, {counts['missing']:,} not asked yet), so it has no"
            f" result{_so_far(numbers)}."
        )
    elif one["state"] == "limited":
        said.append(
            f"only the first {counts['asked']:,} of {counts['questions']:,} questions were asked,"
            f" so it has no result{_so_far(numbers)}."
        )
    elif one["headline"] is None and counts["secret"]:
        said.append(
            "its answers are not public; `python -m evaluation export` writes what is handed in."
        )
    elif one["headline"] is None:
        said.append(
            f"no answer could be read in the mode {one['mode']}, so it has no result in it."
        )
    if one["headline"] and counts["secret"]:
        said.append(f"{counts['secret']:,} questions come without an answer and do not count.")
    if one["failed"]:
        first = one["failed"][0]
        said.append(f"{counts['failed']:,} failed; the first, {first['id']}: {first['error']}")
    if not one["identity"]["asked"]["media"]:
        said.append("asked blind, without its pictures and videos.")
    if further := numbers.get("further"):
        said.append(", ".join(f"{name} {value:.2f}" for name, value in further.items()) + ".")
    return said


def setup_sentence(one: dict[str, Any]) -> str:
    """How the questions were asked, in a sentence."""
    asked = one["identity"]["asked"]
    said = [f"{one['counts']['questions']:,} questions of the split {asked['split']}"]
    said.append(f"prompt {asked['prompt']}")
    if asked["media"] and asked["max_tiles"]:  # which only benchmarks of pictures name
        said.append(f"up to {asked['max_tiles']} tiles of a picture")
    elif asked["media"]:
        said.append(f"{asked['num_frames']} frames of a video")
        said.append(f"{asked['subtitles']} subtitles" if asked["subtitles"] else "no subtitles")
    said += [f"{asked['looks']} looks"] * bool(asked["looks"])
    return f"{', '.join(said)}; answers of at most {asked['max_new_tokens']} tokens."


def aligned(rows: Sequence[Sequence[str]], left: int = 2) -> list[str]:
    """Rows of texts as columns; the first `left` columns are flush left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            text.ljust(width) if i < left else text.rjust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def breakdown(one: dict[str, Any]) -> list[str]:
    """A table for each category of a benchmark that has a result."""
    if one["headline"] is None:
        return []
    lines = []
    for key, values in one["categories"].items():
        if len(values) > MOST_ROWS:
            lines += ["", f"{one['title']} by {key}: {len(values)} rows, on the page."]
            continue
        rows = [[key, *HEAD], *([name, *cells(numbers)] for name, numbers in values.items())]
        lines += ["", f"{one['title']} by {key}", *aligned(rows, left=1)]
    return lines


def speed(title: str, last: dict[str, Any]) -> str:
    """A session's throughput."""
    return (
        f"{title}: {last['samples_per_second']:.2f} samples/s,"
        f" {rate(last['visual_tokens_per_second'])} visual tokens/s, reading"
        f" {rate(last['prefill_tokens_per_second'])} and writing"
        f" {rate(last['decode_tokens_per_second'])} tokens/s, {last['peak_bytes'] / 2**30:.2f} GB"
        f" at most, {last['processes']} process{'es' if last['processes'] > 1 else ''}."
    )


def rate(value: float) -> str:
    """So many a second: 1,234 or 12 or 0.85."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _so_far(numbers: dict[str, Any]) -> str:
    if numbers["value"] is None:
        return ""
    return f"; so far {numbers['value']:.2f} on {numbers['n']:,}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
