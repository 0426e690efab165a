"""Results as text: the table of a run, its breakdowns and the remarks on them."""

from collections.abc import Sequence
from typing import Any

MANY_FRAMES = 4000  # stands for all
MAX_ROWS = 12  # of a breakdown in the terminal
NO_RESULT = {"value": None, "standard_error": None, "interval": None}
HEAD = ("value", "std. error", "95 % interval", "n", "unanswered")


def table(found: Sequence[dict[str, Any]]) -> list[str]:
    """Returns each benchmark's headline, its other modes below it, and the remarks."""
    rows: list[list[str]] = [["", "mode", *HEAD]]
    notes: list[str] = []
    for one in found:
        names = [one["mode"], *(name for name in one["modes"] if name != one["mode"])]
        for name in names:
            complete = one["state"] == "complete"
            numbers = one["modes"][name] if complete else {**one["modes"][name], **NO_RESULT}
            label = one["title"] if name == names[0] else ""
            rows.append([label, name, *cells(numbers)])
        notes += [f"{one['title']}: {note}" for note in remarks(one)]
    return [*aligned(rows), *([""] if notes else []), *notes]


def cells(numbers: dict[str, Any]) -> list[str]:
    """Formats value, error, interval, n and unanswered; a dash for a missing number."""
    interval = numbers["interval"]
    return [
        _number(numbers["value"]),
        _number(numbers["standard_error"]),
        f"{interval[0]:.2f} to {interval[1]:.2f}" if interval else "-",
        f"{numbers['n']:,}",
        f"{numbers['unanswered']:,}",
    ]


def remarks(one: dict[str, Any]) -> list[str]:
    """Returns the caveats of a benchmark's results, one sentence each."""
    counts, numbers = one["counts"], one["modes"][one["mode"]]
    sentences = []
    if one["state"] == "partial":
        sentences.append(
            f"incomplete, {counts['answered']:,} of {counts['asked']:,} answered"
            f" ({counts['failed']:,} failed, {counts['missing']:,} not asked yet), so it has no"
            f" result{_so_far(numbers)}."
        )
    elif one["state"] == "limited":
        sentences.append(
            f"only the first {counts['asked']:,} of {counts['questions']:,} questions were asked,"
            f" so it has no result{_so_far(numbers)}."
        )
    elif one["headline"] is None and counts["secret"]:
        sentences.append(
            "its answers are not public; `python -m evaluation export` writes the submission file."
        )
    elif one["headline"] is None:
        sentences.append(
            f"no answer could be extracted in the mode {one['mode']}, so it has no result there."
        )
    if hint := clean_hint(one):
        sentences.append(hint)
    if one["headline"] and counts["secret"]:
        sentences.append(f"{counts['secret']:,} questions have no public answer and are excluded.")
    if one["failed"]:
        first = one["failed"][0]
        sentences.append(f"{counts['failed']:,} failed; the first, {first['id']}: {first['error']}")
    if not one["identity"]["asked"]["media"]:
        sentences.append("asked blind, without images and videos.")
    if further := numbers.get("further"):
        sentences.append(", ".join(f"{name} {value:.2f}" for name, value in further.items()) + ".")
    return sentences


def clean_hint(one: dict[str, Any]) -> str:
    """Returns a sentence if the headline's mode extracts few answers and "clean" most of them."""
    clean, here = one["modes"].get("clean"), one["modes"][one["mode"]]
    answered = one["counts"]["answered"]
    if clean is None or one["mode"] == "clean" or 2 * here["unanswered"] < answered:
        return ""
    read, cleanly = answered - here["unanswered"], answered - clean["unanswered"]
    if cleanly <= read:
        return ""
    return (
        f"the mode {one['mode']} extracts {read:,} of {answered:,} answers, the mode clean"
        f" {cleanly:,}; --mode clean shows its result."
    )


def setup_sentence(one: dict[str, Any]) -> str:
    """Describes how the questions were asked, in one sentence."""
    asked = one["identity"]["asked"]
    if one["identity"]["model"].get("kind") == "encoder":
        return _views_sentence(one)
    facts = [f"{one['counts']['questions']:,} questions of the split {asked['split']}"]
    facts.append(f"prompt {asked['prompt']}")
    if asked["media"] and asked["max_tiles"]:  # set by image benchmarks only
        facts.append(f"up to {asked['max_tiles']} tiles per image")
    elif asked["media"]:
        frames = asked["num_frames"] or "as many as in the chat"
        facts.append(f"{frames} frames per video")
        facts.append(f"{asked['subtitles']} subtitles" if asked["subtitles"] else "no subtitles")
    facts += [f"{asked['looks']} looks"] * bool(asked["looks"])
    return f"{', '.join(facts)}; answers of at most {asked['max_new_tokens']} tokens."


def _views_sentence(one: dict[str, Any]) -> str:
    asked, model = one["identity"]["asked"], one["identity"]["model"]
    clips, crops = asked.get("clips", 1), asked.get("crops", 1)
    frames = asked["num_frames"] // clips
    shown = "all frames" if frames > MANY_FRAMES else f"{frames} frames"
    return (
        f"{one['counts']['questions']:,} questions of the split {asked['split']}; {clips} x {crops}"
        f" views of {shown}, which the encoder takes {model['clip_frames']} at a time."
    )


def aligned(rows: Sequence[Sequence[str]], left: int = 2) -> list[str]:
    """Aligns rows of cells in columns; the first `left` columns are left-justified."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            text.ljust(width) if i < left else text.rjust(width)
            for i, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def breakdown(one: dict[str, Any]) -> list[str]:
    """Returns a table per category of a benchmark that has a result."""
    if one["headline"] is None:
        return []
    lines = []
    for key, values in one["categories"].items():
        if len(values) > MAX_ROWS:
            lines += ["", f"{one['title']} by {key}: {len(values)} rows, see the report."]
            continue
        rows = [[key, *HEAD], *([name, *cells(numbers)] for name, numbers in values.items())]
        lines += ["", f"{one['title']} by {key}", *aligned(rows, left=1)]
    return lines


def speed(title: str, last: dict[str, Any]) -> str:
    """Describes a session's throughput in one sentence; an encoder reads and writes no text."""
    prefill, decode = last["prefill_tokens_per_second"], last["decode_tokens_per_second"]
    text = f" prefill {rate(prefill)} and decode {rate(decode)} tokens/s," if prefill else ""
    return (
        f"{title}: {last['samples_per_second']:.2f} samples/s,"
        f" {rate(last['visual_tokens_per_second'])} visual tokens/s,{text} peak memory"
        f" {last['peak_bytes'] / 2**30:.2f} GB,"
        f" {last['processes']} process{'es' if last['processes'] > 1 else ''}."
    )


def rate(value: float) -> str:
    """Formats a rate per second: 1,234 or 12 or 0.85."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def _so_far(numbers: dict[str, Any]) -> str:
    if numbers["value"] is None:
        return ""
    return f"; so far {numbers['value']:.2f} on {numbers['n']:,}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
