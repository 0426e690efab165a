"""Makes text that others wrote safe to show: the model's answers, file names, what came back from
a browser.

An answer can repeat whatever stood in a video, so it is treated as hostile. On the page it may use
Markdown, but no HTML and no pictures (a remote picture would tell somebody that it was looked at).
In a terminal it may use lines and tabs, but no control codes (they can recolour, retitle, or type
into a terminal).
"""

import re
import unicodedata

# Writing-direction overrides make "gpj.exe" read as "exe.jpg"; a name or an answer needs none.
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_CODE = re.compile(
    r"(^ {0,3}(?P<fence>`{3,}|~{3,}).*?(?:^ {0,3}(?P=fence)|\Z)|(?P<ticks>`+).+?(?P=ticks))",
    re.M | re.S,
)
_DIAGRAM = re.compile(r"^( {0,3}(?:`{3,}|~{3,})[ \t]*)mermaid\b", re.M | re.I)
_WORD_JOINER = "\u2060"  # invisible, and after it "<b" can no longer begin a tag


def for_terminal(text: str) -> str:
    """The text without control codes; each character is judged alone, so a streamed piece is as
    safe as the whole.
    """
    return "".join(
        c for c in text if c in "\n\t" or (unicodedata.category(c) != "Cc" and c not in _OVERRIDES)
    )


def for_page(text: str) -> str:
    """Markdown in which nothing can become an HTML tag, a picture or a drawn diagram.

    Outside code a "<" is written as an entity. Inside code entities would be shown as they stand,
    so the tag is broken by an invisible character: whichever of the two a browser's Markdown takes
    for code, no tag can come out of it.
    """
    parts = _split_code(_DIAGRAM.sub(r"\1text", for_terminal(text)))
    return "".join(_inert_code(part) if is_code else _inert_prose(part) for part, is_code in parts)


def for_label(text: str, longest: int = 60) -> str:
    """One short line for a name: control codes and line breaks gone, the middle left out when it
    is long.
    """
    line = " ".join(for_terminal(text).split())
    if len(line) <= longest:
        return line
    tail = longest // 3
    return f"{line[: longest - tail - 1]}…{line[-tail:]}"


def _split_code(text: str) -> list[tuple[str, bool]]:
    parts, start = [], 0
    for match in _CODE.finditer(text):
        parts += [(text[start : match.start()], False), (match.group(), True)]
        start = match.end()
    return [*parts, (text[start:], False)]


def _inert_prose(text: str) -> str:
    return text.replace("<", "&lt;").replace("![", "!&#91;")


def _inert_code(text: str) -> str:
    return re.sub(r"<(?=[A-Za-z/!?])", f"<{_WORD_JOINER}", text).replace("![", f"!{_WORD_JOINER}[")
