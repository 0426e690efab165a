"""The page's table of texts: complete, with the same places to fill, in step with the page."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from app.page import ui
from app.page.asking import messages
from app.page.asking.examples import EXAMPLES
from app.page.web.scripts import FILES
from vlm.experts.detection.coco import CLASSES
from vlm.experts.drawing.outlines import SHAPES
from vlm.loading import EMBEDDED_CARD

ROOT = Path(__file__).parents[3]
TABLE = json.loads(FILES["texts.json"].read_text(encoding="utf-8"))
HOLE = re.compile(r"\{[#*]?(\d)\}")
TEMPLATES = {HOLE.sub("{}", english) for english in TABLE}
SCRIPTS = "".join(
    path.read_text(encoding="utf-8") for path in FILES.values() if path.suffix == ".js"
)
LABELS = re.compile(r'(?:textContent|ariaLabel|placeholder): "([^"]+)"|choice\("([^"]+)"')
# Modules whose sentences a visitor can see.
SPEAKING = (
    *("vlm/media/**/*.py", "vlm/loading.py", "vlm/image_text/assistant.py"),
    *(f"vlm/inference/{name}.py" for name in ("budget", "live", "planning", "reply")),
    *("app/chat.py", "app/looks.py", "app/subtitles.py", "app/page/**/*.py"),
)
# Sentences for those who start the page or call the library.
FOR_PROGRAMMERS = re.compile(
    r"decord|isolated|--|sizes must|unknown backend|the pipe|standard input|Press Ctrl-C|is in use"
    r"|Reading .* stopped|Loading the model|no free port|temporary files|Serves the chat page"
)


def _templates(tree: ast.AST) -> Iterator[str]:
    """Yields the strings of a module but not its docstrings, with "{}" for what is filled in."""
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    parts = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(v.value if isinstance(v, ast.Constant) else "{}" for v in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield "" if id(node) in docs | parts else node.value


def sentences() -> set[str]:
    """Returns the whole sentences of the modules that speak to a visitor."""
    files = {file for pattern in SPEAKING for file in ROOT.glob(pattern)}
    found = {
        text.strip()
        for file in files
        for text in _templates(ast.parse(file.read_text(encoding="utf-8")))
    }
    ends = re.compile(r"[^\n<>]+ [^\n<>]+[.?]")
    return {text for text in found if ends.fullmatch(text) and not FOR_PROGRAMMERS.search(text)}


def test_each_text_has_three_translations_with_the_same_places() -> None:
    for english, translations in TABLE.items():
        assert len(translations) == 3, english
        for translation in translations:
            assert translation.strip(), english
            filled = sorted(re.findall(r"\{(\d)\}", translation))
            assert filled == sorted(HOLE.findall(english)), english


def test_every_sentence_that_a_visitor_can_see_is_in_the_table() -> None:
    found = sentences()
    assert "{} has no pages." in found
    assert sorted(text for text in found if not _is_known(text)) == []


def _is_known(text: str) -> bool:
    """Returns whether a sentence, what follows a file's name in it, or each part is in the table.

    Where words are filled in, the table has the whole sentences.
    """
    if text in TEMPLATES or text.removeprefix("{}: ") in TEMPLATES:
        return True
    parts = re.split(r"(?<=[.?]) ", text)
    if len(parts) > 1 and all(part in TEMPLATES for part in parts):
        return True
    expression = re.compile("(?:.*)".join(map(re.escape, text.split("{}"))))
    starts = (TEMPLATES, {template.removeprefix("{} ") for template in TEMPLATES})
    return any(expression.fullmatch(template) for texts in starts for template in texts)


def test_what_the_reader_calls_a_refused_file_is_in_the_table() -> None:
    tree = ast.parse((ROOT / "vlm/media/kinds.py").read_text(encoding="utf-8"))
    words = {text for text in _templates(tree) if re.match(r"(an?|filled|not) ", text)}
    assert len(words) > 10
    assert words <= set(TABLE)


def test_the_embedded_model_s_card_is_in_the_table() -> None:
    card = json.loads((ROOT / "vlm/weights/embedded/card.json").read_text(encoding="utf-8"))
    for text in (card["knows"], card["limits"], *EMBEDDED_CARD.values()):
        for sentence in re.split(r"(?<=\.) ", text):
            assert sentence in {*TABLE, EMBEDDED_CARD["name"]}


def test_examples_and_things_to_ask_about_are_in_the_table() -> None:
    assert {text for one in EXAMPLES for text in (one.title, one.question)} <= set(TABLE)
    assert {f"the {name}" for name in (*CLASSES, *SHAPES) if name != "person"} <= set(TABLE)
    assert ui.WELCOME.splitlines()[2] in TABLE


def test_labels_of_the_scripts_are_in_the_table() -> None:
    labels = {one or other for one, other in LABELS.findall(SCRIPTS)}
    assert labels
    assert labels - {"⋯"} <= set(TABLE)


def test_buttons_in_the_chat_are_in_the_table() -> None:
    parts = (messages._EDIT, messages._COPY, messages._AGAIN, messages._LOOK, messages._CLOSER)
    for part in parts:
        for text in re.findall(r'title="([^"]+)"|>([^<]+)</button>', part):
            assert "".join(text) in TABLE
