"""Sanitizes untrusted text for display: answers, file names, text from a browser.

An answer can repeat text from a video, so it is hostile input. The page allows Markdown but no
HTML and no images (a remote image would report that it was viewed). A terminal allows newlines and
tabs but no control codes (they can recolor, retitle, or type into a terminal).
"""

import re
import unicodedata

# Bidirectional overrides make "gpj.exe" read as "exe.jpg"; names and answers need none.
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_CODE = re.compile(
    r"(^ {0,3}(?P<fence>`{3,}|~{3,}).*?(?:^ {0,3}(?P=fence)|\Z)|(?P<ticks>`+).+?(?P=ticks))",
    re.M | re.S,
)
_DIAGRAM = re.compile(r"^( {0,3}(?:`{3,}|~{3,})[ \t]*)mermaid\b", re.M | re.I)
_WORD_JOINER = "\u2060"  # invisible; "<" followed by it cannot start a tag


def whole_characters(text: str) -> str:
    """Replaces lone surrogates, which no stream can encode: undecodable bytes, half an emoji."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def for_terminal(text: str) -> str:
    """Removes control codes character by character, so streamed pieces are as safe as the whole."""
    return "".join(
        c
        for c in whole_characters(text)
        if c in "\n\t" or (unicodedata.category(c) != "Cc" and c not in _OVERRIDES)
    )


def for_page(text: str) -> str:
    """Returns Markdown that cannot produce an HTML tag, an image or a rendered diagram.

    Outside code, "<" becomes an entity. Inside code, entities would be shown literally, so an
    invisible character breaks the tag. No tag survives even if the browser's Markdown parser
    disagrees about what is code.
    """
    parts = split_code(_DIAGRAM.sub(r"\1text", for_terminal(text)))
    return "".join(_inert_code(part) if is_code else _inert_prose(part) for part, is_code in parts)


def for_label(text: str, longest: int = 60) -> str:
    """Returns one short line: no control codes or line breaks, a long middle elided."""
    line = " ".join(for_terminal(text).split())
    if len(line) <= longest:
        return line
    tail = longest // 3
    return f"{line[: longest - tail - 1]}…{line[-tail:]}"


def split_code(text: str) -> list[tuple[str, bool]]:
    """Splits Markdown into parts and whether each is code."""
    parts, start = [], 0
    for match in _CODE.finditer(text):
        parts += [(text[start : match.start()], False), (match.group(), True)]
        start = match.end()
    return [*parts, (text[start:], False)]


def _inert_prose(text: str) -> str:
    return text.replace("<", "&lt;").replace("![", "!&#91;")


def _inert_code(text: str) -> str:
    return re.sub(r"<(?=[A-Za-z/!?])", f"<{_WORD_JOINER}", text).replace("![", f"!{_WORD_JOINER}[")
