"""lmms-eval's search for a letter in an answer to MVBench: blind to case, so "a dog" is A."""

import re

from evaluation.answers.ranked import without_reasoning
from evaluation.benchmarks.base import Row

MARKS = ';/[]"{}()=+\\_-><@`,?!'


def lmms_letter(row: Row, raw: str) -> str | None:
    raw = without_reasoning(raw)
    begins = re.match(r"^([A-E])\.\s*(.+)$", raw, re.IGNORECASE)
    if begins:
        return begins[1].upper()
    text = raw.replace("\n", " ").replace("\t", " ").strip()
    thousands = re.search(r"\d,\d", text) is not None
    bare = text
    for mark in MARKS:
        alone = mark + " " in text or " " + mark in text
        bare = bare.replace(mark, "" if alone or thousands else " ")
    bare = re.sub(r"\.(?!\d)", "", bare, count=32)  # 32: a flag in the wrong place
    for edge in "'\")(":
        bare = bare.strip(edge)
    found = re.search(r"\b([A-E])\b", bare.strip().lower(), re.IGNORECASE)
    return found[1].upper() if found else None
