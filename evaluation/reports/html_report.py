"""The HTML report of a run: one self-contained file with plots and thumbnails, without scripts."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evaluation.json_files import read_json
from evaluation.reports.markdown import blocks
from evaluation.reports.scoring import Scored
from evaluation.reports.tables import cells, rate, remarks, setup_sentence
from evaluation.reports.templates import template
from evaluation.runs.log import LogRow
from evaluation.runs.manifest import NAME
from evaluation.runs.speed import sessions_of
from evaluation.runs.thumbnails import is_failure, thumbnail

# A benchmark with grades shows all of its answers; the others the first wrong ones.
GALLERY = 24  # wrong answers displayed
LISTED = 50  # failed samples listed
MAX_TEXT = 1500  # characters of a prompt or an answer
MAX_TARGET = 120  # characters of an accepted answer, or of a pattern that it has to match


def html_report(root: Path, items: Sequence[Scored], found: Sequence[dict[str, Any]]) -> str:
    """Returns the HTML for all benchmarks of a run."""
    sections = [
        {
            "one": one,
            "setup": setup_sentence(one),
            "remarks": [remark[:1].upper() + remark[1:] for remark in remarks(one)],
            "plots": _plots(one),
            "gallery": [_card(item, row) for row in _wrong(item)],
            "answers": _all_answers(item),
            "wrong": sum(is_failure(row, item.mode) for row in item.rows),
            "failed": one["failed"][:LISTED],
            "tables": list(blocks(item.benchmark.tables(item.answered))),
            "sessions": sessions_of(item.folder),
            "manifest": _manifest(item.folder),
        }
        for item, one in zip(items, found, strict=True)
    ]
    model = found[0]["identity"]["model"] if found else {}
    page = template("report.html.jinja", cells=cells, rate=rate)
    return page.render(sections=sections, model=model, folder=root.resolve().name)


def _manifest(folder: Path) -> str:
    """Returns the manifest as text, without the fingerprints of thousands of files."""
    known = read_json(folder / NAME)
    known.pop("media", None)
    return json.dumps(known, indent=1, ensure_ascii=False)


def _plots(one: dict[str, Any]) -> list[tuple[str, dict[str, Any], float | None]]:
    """Returns (title, numbers by name, overall value) of each breakdown with several names."""
    overall = one["modes"][one["mode"]]["value"]
    plots = [("extraction mode", one["modes"], None)]
    plots += [(key.replace("_", " "), values, overall) for key, values in one["categories"].items()]
    return [
        plot
        for plot in plots
        if len(plot[1]) > 1 and any(numbers["n"] for numbers in plot[1].values())
    ]


def _wrong(item: Scored) -> list[LogRow]:
    """Returns wrong answers in question order, those with a thumbnail first."""
    if item.benchmark.shows_all:
        return []
    rows = [row for row in item.answered if is_failure(row, item.mode)]
    rows.sort(key=lambda row: thumbnail(item.folder, row) is None)
    return rows[:GALLERY]


def _card(item: Scored, row: LogRow) -> dict[str, Any]:
    picture = thumbnail(item.folder, row)
    times = [time for medium in row["media"] for time in medium["times"]]
    return {
        "id": row["id"],
        "grade": item.benchmark.grade(row),
        "picture": base64.b64encode(picture).decode() if picture else "",
        "prompt": _cut(row["prompt"]),
        "raw": _cut(item.benchmark.shown(row["raw"])),
        "read": row["extracted"][item.mode],
        "targets": " · ".join(_beginning(target) for target in row["targets"]),
        "words": "\n".join(line for medium in row["media"] for line in medium.get("words", ())),
        "times": f"{len(times)} frames, {times[0]:.1f} to {times[-1]:.1f} s" if times else "",
    }


def _all_answers(item: Scored) -> list[dict[str, Any]]:
    """Returns every answer beside its media, if the benchmark's report shows them: worst first."""
    if not item.benchmark.shows_all:
        return []
    order = ("harmful", "wrong", "honest", "right", "")
    cards = [_card(item, row) for row in item.answered]
    return sorted(cards, key=lambda card: order.index(card["grade"]))


def _beginning(target: str) -> str:
    return target if len(target) <= MAX_TARGET else target[:MAX_TARGET] + "…"


def _cut(text: str) -> str:
    """Returns the end of a long text, because the question follows the captions."""
    return text if len(text) <= MAX_TEXT else "… " + text[-MAX_TEXT:]
