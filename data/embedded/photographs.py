"""The scoring photographs as records; `python -m data.prepare.photos` fetches them.

photos.json lists the right and nearly right answers for each picture.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from data.records import MediaFile, Record, RecordMessage, RecordText

LIST = "photos.json"
QUESTIONS = ("What is this?", "What do you see?", "What is in the picture?")


def photographs(folder: Path) -> Iterator[Record]:
    """Yields a question per photograph; the task is its source. Raises ValueError if unreadable."""
    path = folder / LIST
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
        for index, row in enumerate(rows):
            question = RecordText(QUESTIONS[index % len(QUESTIONS)])
            prompt = RecordMessage("user", (MediaFile("image", folder / row["file"]), question))
            yield Record(
                row["file"],
                (prompt, RecordMessage("assistant", (RecordText(row["accept"][0]),))),
                (str(row.get("source", "unknown")),),
                (tuple(row["accept"]),),
                (tuple(row.get("near", ())),),
            )
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ValueError(
            f'{path} is not a list of {{"file", "accept", "near"}} ({error}).'
        ) from error
