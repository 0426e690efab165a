"""Templates: the frame a language model was taught its turns in, as data.

A template is only what stands around the words of the three roles. It is never filled with text
that somebody typed: `frame` gives the literals one by one, and whoever writes a prompt puts ids of
plain text between their ids.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class TurnMarkup:
    """The literals around what one message says."""

    before: str
    after: str


@dataclass(frozen=True)
class Template:
    """The frame a language model was taught its turns in."""

    start: str  # once, before everything
    opening: str  # before what a role says
    closing: str  # after what a role says; its last token ends an answer
    between: str  # between one turn and the next
    system: str | None = None  # said where nobody sets a system text; None: no such turn
    answer: str = ""  # begun for the model after the opening of the answer that is asked for
    lead: str = ""  # before an answer, where the model itself begins with it: a space
    openings: Mapping[str, str] = field(default_factory=dict)  # of roles that have their own
    closings: Mapping[str, str] = field(default_factory=dict)
    folded: bool = False  # the system text stands inside the first user turn, at its beginning

    def open(self, role: str) -> str:
        """What stands before the words of a role."""
        return self.openings.get(role, self.opening.replace("{role}", role))

    def close(self, role: str) -> str:
        """What stands after them."""
        return self.closings.get(role, self.closing)

    def frame(self, roles: Sequence[str], asks: bool) -> tuple[list[TurnMarkup], str]:
        """The literals around messages of these roles, and those that ask for the next answer."""
        turns: list[TurnMarkup] = []
        inside = False  # in a user turn that the system text began
        for index, role in enumerate(roles):
            before = "" if inside else self.between if turns else self.start
            if role == "system" and self.folded:
                before += self.open("user")
            if not inside:
                before += self.open(role)
            if role == "assistant" and index == len(roles) - 1 and not asks:
                before += self.answer
            turns.append(TurnMarkup(before, self.close(role)))
            inside = role == "system" and self.folded
        if not asks:
            return turns, ""
        return turns, (self.between if turns else self.start) + self.open("assistant") + self.answer

    def text(self, messages: Sequence[tuple[str, str]], asks: bool) -> str:
        """A conversation as one text, to compare with: [("user", "Hi"), ...]. Never tokenised."""
        if self.system is not None and (not messages or messages[0][0] != "system"):
            messages = [("system", self.system), *messages]
        turns, ending = self.frame([role for role, _ in messages], asks)
        said = "".join(
            turn.before + (self.lead if role == "assistant" else "") + words + turn.after
            for turn, (role, words) in zip(turns, messages, strict=True)
        )
        return said + ending

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as a saved folder holds them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Template":
        """Raises ValueError with the name of a field that is missing, unknown or no text."""
        known = {field.name for field in fields(cls)}
        strange = sorted(values.keys() - known)
        missing = sorted({"start", "opening", "closing", "between"} - values.keys())
        if strange or missing:
            raise ValueError(
                f"this is not a template; missing: {', '.join(missing) or 'none'};"
                f" unknown: {', '.join(strange) or 'none'}."
            )
        for name, value in values.items():
            if name in ("openings", "closings"):
                right = isinstance(value, Mapping) and all(
                    role in ROLES and isinstance(text, str) for role, text in value.items()
                )
            elif name == "folded":
                right = isinstance(value, bool)
            else:
                right = isinstance(value, str) or (name == "system" and value is None)
            if not right:
                raise ValueError(f"the template's {name} cannot be {value!r}.")
        return cls(**values)


TEMPLATES = {
    # SmolLM2, Qwen and their kin.
    "chatml": Template("", "<|im_start|>{role}\n", "<|im_end|>", "\n"),
    # InternVL2 with InternLM2: a BOS, no newline between turns, and the system text it was taught.
    "internlm2-chat": Template(
        "<s>",
        "<|im_start|>{role}\n",
        "<|im_end|>",
        "",
        "你是由上海人工智能实验室联合商汤科技开发的书生多模态大模型，"
        "英文名叫InternVL, 是一个有用无害的人工智能助手。",
    ),
}


def template_of(chosen: str | Mapping[str, Any]) -> Template:
    """A template by name, or from the fields of one. Raises ValueError with the known names."""
    if not isinstance(chosen, str):
        return Template.from_dict(chosen)
    if chosen not in TEMPLATES:
        raise ValueError(f"there is no template {chosen!r}; known are {', '.join(TEMPLATES)}.")
    return TEMPLATES[chosen]
