"""Hostile text stays text, on the page and in the terminal."""

import pytest

from app.sanitize import for_label, for_page, for_terminal


def test_control_codes_and_direction_overrides_do_not_reach_a_terminal() -> None:
    text = "red\x1b[31m \x1b]0;title\x07 \x9b2J a\u202egpj.exe\r\nnext\tcolumn"
    assert for_terminal(text) == "red[31m ]0;title 2J agpj.exe\nnext\tcolumn"


def test_streamed_pieces_are_as_clean_as_the_whole_text() -> None:
    text = "a\x1b[1mb\x1b]8;;http://x\x07c"
    assert "".join(for_terminal(piece) for piece in text) == for_terminal(text)


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x>",
        "`a` <b>",
        "``` <script>\n<b>",
        "```\n<img src=x>\n```",
        "```\n```~~~\n<img src=x>\n```",
        "`<form action=x>`",
        "> ```\n> <svg/onload=x>",
        "<!-- x --><?php",
    ],
)
def test_no_html_tag_can_start_on_the_page(text: str) -> None:
    shown = for_page(text)
    for i, character in enumerate(shown[:-1]):
        assert character != "<" or shown[i + 1] == "\u2060", shown


def test_markdown_images_become_text_and_links_stay() -> None:
    assert "![" not in for_page("![a](http://x/y.png) and `![a](b)`")
    assert for_page("[a](http://x)") == "[a](http://x)"


def test_a_diagram_is_shown_as_its_source() -> None:
    assert "mermaid" not in for_page("```mermaid\ngraph TD\n```")


def test_plain_text_and_code_are_unchanged() -> None:
    text = "2 > 1, **bold**\n\n```python\nif a < b: pass\n```\n"
    assert for_page(text) == text


def test_a_label_is_one_short_line_that_keeps_its_end() -> None:
    label = for_label("holiday\n" + "x" * 100 + ".mp4", 30)
    assert len(label) == 30
    assert label.startswith("holiday x")
    assert label.endswith(".mp4")
