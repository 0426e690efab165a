"""Chat templates as data: the literals around the turns that a language model was trained with.

A template is never filled with typed text: `frame` returns the literals one by one, and the prompt
writer puts the ids of plain text between their ids.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class TurnMarkup:
    """The literals around one message."""

    before: str
    after: str


@dataclass(frozen=True)
class Template:
    """The literals around the messages of the three roles."""

    start: str  # once, before everything
    opening: str  # before a message; {role} is replaced
    closing: str  # after a message; its last token ends an answer
    between: str  # between one turn and the next
    system: str | None = None  # the default system text; None: no system turn by default
    answer: str = ""  # follows the opening of the requested answer
    lead: str = ""  # before an answer, if the model generates it itself: a space
    openings: Mapping[str, str] = field(default_factory=dict)  # of roles with their own
    closings: Mapping[str, str] = field(default_factory=dict)
    folded: bool = False  # the system text is the beginning of the first user turn
    space_before_image: bool = True  # False: an opening that ends in a space loses it there

    def open(self, role: str) -> str:
        """Returns the literal before a message of this role."""
        return self.openings.get(role, self.opening.replace("{role}", role))

    def close(self, role: str) -> str:
        """Returns the literal after a message of this role."""
        return self.closings.get(role, self.closing)

    def frame(
        self, roles: Sequence[str], add_generation_prompt: bool
    ) -> tuple[list[TurnMarkup], str]:
        """Returns the literals around these roles, and the one that requests an answer."""
        turns: list[TurnMarkup] = []
        inside = False  # in a user turn that the system text began
        for index, role in enumerate(roles):
            before = "" if inside else self.between if turns else self.start
            if role == "system" and self.folded:
                before += self.open("user")
            if not inside:
                before += self.open(role)
            if role == "assistant" and index == len(roles) - 1 and not add_generation_prompt:
                before += self.answer
            turns.append(TurnMarkup(before, self.close(role)))
            inside = role == "system" and self.folded
        if not add_generation_prompt:
            return turns, ""
        return turns, (self.between if turns else self.start) + self.open("assistant") + self.answer

    def text(self, messages: Sequence[tuple[str, str]], add_generation_prompt: bool) -> str:
        """Renders [("user", "Hi"), ...] as one text, for comparison only: never tokenized."""
        if self.system is not None and (not messages or messages[0][0] != "system"):
            messages = [("system", self.system), *messages]
        turns, ending = self.frame([role for role, _ in messages], add_generation_prompt)
        text = "".join(
            turn.before + (self.lead if role == "assistant" else "") + words + turn.after
            for turn, (role, words) in zip(turns, messages, strict=True)
        )
        return text + ending

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values, as a saved folder holds them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Template":
        """Raises ValueError if a field is missing, unknown or of the wrong type."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(values.keys() - known)
        missing = sorted({"start", "opening", "closing", "between"} - values.keys())
        if unknown or missing:
            raise ValueError(
                f"this is not a template; missing: {', '.join(missing) or 'none'};"
                f" unknown: {', '.join(unknown) or 'none'}."
            )
        for name, value in values.items():
            if name in ("openings", "closings"):
                valid = isinstance(value, Mapping) and all(
                    role in ROLES and isinstance(text, str) for role, text in value.items()
                )
            elif name in ("folded", "space_before_image"):
                valid = isinstance(value, bool)
            else:
                valid = isinstance(value, str) or (name == "system" and value is None)
            if not valid:
                raise ValueError(f"the template's {name} cannot be {value!r}.")
        return cls(**values)


INTERNVL_SYSTEM = (
    "你是由上海人工智能实验室联合商汤科技开发的书生多模态大模型，"
    "英文名叫InternVL, 是一个有用无害的人工智能助手。"
)
TEMPLATES = {
    # SmolLM2, Qwen and others.
    "chatml": Template("", "<|im_start|>{role}\n", "<|im_end|>", "\n"),
    # InternVL2 with InternLM2: a BOS, no newline between turns, the system text of its training.
    "internlm2-chat": Template("<s>", "<|im_start|>{role}\n", "<|im_end|>", "", INTERNVL_SYSTEM),
    # InternVL2 with Qwen2 and with Phi-3, InternVL2.5 to 3.5: under the names in their configs.
    "Hermes-2": Template("", "<|im_start|>{role}\n", "<|im_end|>", "", INTERNVL_SYSTEM),
    "phi3-chat": Template("", "<|{role}|>\n", "<|end|>", "", INTERNVL_SYSTEM),
    "internvl2_5": Template(
        "",
        "<|im_start|>{role}\n",
        "<|im_end|>",
        "\n",
        "你是书生·万象，英文名是InternVL，是由上海人工智能实验室、清华大学及多家合作单位联合开发的"
        "多模态大语言模型。",
    ),
}


def template_of(chosen: str | Mapping[str, Any]) -> Template:
    """Returns a template by name, or from its fields. Raises ValueError with the known names."""
    if not isinstance(chosen, str):
        return Template.from_dict(chosen)
    if chosen not in TEMPLATES:
        raise ValueError(f"there is no template {chosen!r}; known are {', '.join(TEMPLATES)}.")
    return TEMPLATES[chosen]
