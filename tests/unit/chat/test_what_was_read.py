"""What the model read of a file, on the page and in a terminal: complete, and only ever text."""

import io
from dataclasses import replace

import numpy as np
import pytest
from fake_assistant import HOSTILE
from PIL import Image

from app.boxes import SIDE, in_words, with_boxes
from app.console.ask import as_record
from app.frame_strip import strip_html, strip_of
from app.turns import ChatTurn
from app.what_was_read import MAX_LINES, read_html, text_found, words_read
from vlm.assistant import Seen
from vlm.experts.findings import Findings, Line, Thing

CAT = Thing("cat", 0.9, (0.25, 0.25, 0.75, 0.75), "brown")
ROW = Line("EXIT", 0.99, (0.1, 0.8, 0.5, 0.95), 0.15)
FOUND = Findings(things=(CAT,), lines=(ROW,))


def still(num_pictures: int, *findings: Findings, words: tuple[str, ...] = ()) -> Seen:
    frames = [np.full((64, 64, 3), 128, np.uint8)] * num_pictures
    return Seen("door.jpg", "image", frames, None, (), findings, words)


def test_boxes_are_drawn_where_things_and_text_are_and_nowhere_else() -> None:
    plain = np.full((180, 180, 3), 128, np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(plain).save(buffer, "JPEG")
    drawn = Image.open(io.BytesIO(with_boxes(buffer.getvalue(), FOUND)))
    assert drawn.size == (SIDE, SIDE)
    changed = (np.abs(np.asarray(drawn).astype(int) - 128) > 40).any(-1)
    assert changed[int(0.5 * SIDE), int(0.25 * SIDE)]  # the left side of the cat's box
    assert changed[int(0.95 * SIDE) - 2, int(0.3 * SIDE)]  # the bottom of the text's box
    assert not changed[int(0.4 * SIDE) : int(0.7 * SIDE), int(0.4 * SIDE) : int(0.7 * SIDE)].any()


@pytest.mark.parametrize("box", [(-1.0, -1.0, 2.0, 2.0), (0.9, 0.9, 0.1, 0.1), (0, 0, 0, 0)])
def test_a_box_beyond_the_frame_is_drawn_inside_it(box) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (300, 20)).save(buffer, "JPEG")
    found = Findings(things=(replace(CAT, box=box),), lines=(replace(ROW, box=box),))
    assert Image.open(io.BytesIO(with_boxes(buffer.getvalue(), found))).size == (1200, 80)


def test_the_caption_tells_what_the_boxes_show() -> None:
    assert in_words(FOUND) == "1 cat (middle brown); 1 line of text"
    assert in_words(Findings(things=(), lines=())) == "no things; no text"
    assert in_words(Findings()) == ""
    html = strip_html([strip_of(still(1, FOUND))], "frames")
    assert 'alt="door.jpg, whole, picture 1 of 1: 1 cat (middle brown); 1 line of text"' in html


def test_only_the_whole_of_a_picture_in_parts_has_boxes() -> None:
    strip = strip_of(still(3, FOUND))
    assert [strip.boxed(i) is not None for i in range(3)] == [False, False, True]
    assert strip_html([strip], "frames").count("data-boxes") == 1


def test_without_experts_there_is_neither_a_list_nor_a_switch() -> None:
    html = strip_html([strip_of(still(1))], "frames")
    assert "checkbox" not in html
    assert "details" not in html


def test_hostile_text_stays_text() -> None:
    found = Findings(lines=(replace(ROW, text=HOSTILE),))
    html = read_html([HOSTILE], [found])
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html
    assert not {"\x1b", "\x07"} & set(html)
    (line,) = words_read([HOSTILE])
    assert not {"\x1b", "\x07", "\n"} & set(line)


def test_each_row_of_text_is_listed_once_and_long_lists_end() -> None:
    rows = [replace(ROW, text=f"row {i}") for i in range(MAX_LINES + 5)]
    frames = [Findings(lines=tuple(rows))] * 3
    assert text_found(frames) == [row.text for row in rows]
    html = read_html([], frames)
    assert html.count("row ") == MAX_LINES
    assert "and 5 more" in html


def test_the_json_record_has_the_findings_and_the_words() -> None:
    turn = ChatTurn("What?", strips=(strip_of(still(1, FOUND, words=("Things: 1 cat.",))),))
    (seen,) = as_record(turn)["seen"]
    assert seen["words"] == ["Things: 1 cat."]
    (found,) = seen["findings"]
    assert found["kinds"] is None
    (thing,), (line,) = found["things"], found["lines"]
    assert thing == {"name": "cat", "score": 0.9, "box": [0.25, 0.25, 0.75, 0.75], "color": "brown"}
    assert (line["text"], line["box"]) == ("EXIT", [0.1, 0.8, 0.5, 0.95])
