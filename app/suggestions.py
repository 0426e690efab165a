"""Questions to go on with, of the kind that the model can answer about what it just saw."""

from collections import Counter
from collections.abc import Iterable

from app.turns import Chat
from vlm.experts.findings import CERTAIN, Findings

MOST = 3


def suggestions(chat: Chat) -> list[str]:
    """Returns a few questions about the files of the last turn that has some.

    They follow what the experts found there: print, people, things. Without experts they are
    about the whole. What was asked in this chat already is left out.
    """
    strips = next((turn.strips for turn in reversed(chat.turns) if turn.strips), ())
    findings = [found for strip in strips for found in strip.findings]
    asked = {_plain(turn.question) for turn in chat.turns}
    if findings:
        found = _from(findings)
    else:
        found = [] if not strips else _about(any(strip.kind == "video" for strip in strips))
    return [question for question in found if _plain(question) not in asked][:MOST]


def _from(findings: Iterable[Findings]) -> list[str]:
    findings = list(findings)
    things = Counter(
        thing.name for found in findings for thing in found.things or () if thing.score >= CERTAIN
    )
    questions = []
    if any(found.lines for found in findings):
        questions.append("What does the text say?")
    if things.pop("person", 0):
        questions.append("How many people are there?")
    for name, _ in things.most_common(2):
        questions.append(f"What color is the {name}?")
    return questions


def _about(is_film: bool) -> list[str]:
    if is_film:
        return ["What happens first, and what last?", "Where does it take place?"]
    return ["Describe it in detail.", "What is in the background?"]


def _plain(question: str) -> str:
    return " ".join(question.lower().split())
