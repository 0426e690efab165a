"""Templates, and how messages become token ids.

Text that people, files or models wrote is tokenised apart, with special tokens switched off, and
then joined with ids that come from the template. So no user text, history or system text can
become a role marker, an end of turn or a place for a picture: those ids only come from here.

Markup, as in InternVL: a picture is `<img>` + placeholders + `</img>` with all its tiles inside, a
video has one such pair for each frame.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from vlm.config import PromptConfig
from vlm.conversation import Conversation, Media, Message, Text

IGNORE = -100  # the label of tokens that are not learnt, as in torch's cross entropy


@dataclass(frozen=True)
class Template:
    """The frame a language model was taught its turns in."""

    start: str  # once, before everything
    opening: str  # before what a role says
    closing: str  # after what a role says; its last token ends an answer
    between: str  # between one turn and the next
    system: str = ""  # said where nobody sets a system text


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


def clean(text: str) -> str:
    """Text that can be encoded: halves of surrogate pairs become the replacement character."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def special_ids(tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Every token that is markup: those with a role (BOS, ...) and those only marked special."""
    marked = (i for i, token in tokenizer.added_tokens_decoder.items() if token.special)
    return frozenset(tokenizer.all_special_ids).union(marked)


class PlainTokenizer:
    """Text to ids, where nothing in the text can become a special token.

    Works on its own copy of a fast tokenizer: the switch is a state of the tokenizer, and two
    threads that flip it would let special tokens through.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.special_ids = special_ids(tokenizer)
        self._slow = tokenizer
        self._fast = None
        if tokenizer.is_fast:
            self._fast = copy.deepcopy(tokenizer.backend_tokenizer)
            self._fast.encode_special_tokens = True
            self._fast.no_truncation()
            self._fast.no_padding()
        for token in tokenizer.convert_ids_to_tokens(sorted(self.special_ids)):
            if self.special_ids.intersection(self._encode(token)):
                raise ValueError(
                    f"this tokenizer reads the typed text {token!r} as a special token even when"
                    " told not to; the assistant cannot be used safely with it."
                )

    def __call__(self, text: str) -> list[int]:
        ids = self._encode(clean(text))
        assert not self.special_ids.intersection(ids), "typed text became a special token"
        return ids

    def _encode(self, text: str) -> list[int]:
        if self._fast is not None:
            return self._fast.encode(text, add_special_tokens=False).ids
        return self._slow.encode(text, add_special_tokens=False, split_special_tokens=True)


@dataclass(frozen=True)
class Written:
    """Token ids of a conversation."""

    ids: list[int]
    labels: list[int]  # the id where an answer is learnt (with its end of turn), else IGNORE
    media: tuple[Media, ...]  # in the order of their placeholders


class PromptWriter:
    """Writes conversations for one tokenizer and one template."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, prompt: PromptConfig, tokens_per_look: int
    ) -> None:
        if prompt.template not in TEMPLATES:
            known = ", ".join(TEMPLATES)
            raise ValueError(f"there is no template {prompt.template!r}; known are {known}.")
        self.template = TEMPLATES[prompt.template]
        self.system = prompt.system or self.template.system
        self.prompt = prompt
        self.tokens_per_look = tokens_per_look
        self.plain = PlainTokenizer(tokenizer)
        self._labels: dict[str, list[int]] = {}

        missing = [
            token for token in prompt.image_tokens if token not in tokenizer.all_special_tokens
        ]
        if missing:
            raise ValueError(
                f"this tokenizer lacks the special tokens {', '.join(missing)}; add them with"
                " vlm.processor.add_image_tokens."
            )
        self.image_start, self.image_token_id, self.image_end = (
            tokenizer.convert_tokens_to_ids(token) for token in prompt.image_tokens
        )

        def template_ids(text: str) -> list[int]:
            return tokenizer.encode(text, add_special_tokens=False) if text else []

        self.start = template_ids(self.template.start)
        self.openings = {
            role: template_ids(self.template.opening.format(role=role))
            for role in ("system", "user", "assistant")
        }
        self.closing = template_ids(self.template.closing)
        self.between = template_ids(self.template.between)
        self.newline = template_ids("\n")
        self.end_of_turn = self.closing[-1]
        if self.end_of_turn not in self.plain.special_ids:
            raise ValueError(
                f"this tokenizer has no special token {self.template.closing!r}, which the"
                f" template {prompt.template!r} ends its turns with."
            )

    def write(self, conversation: Conversation, add_generation_prompt: bool = False) -> Written:
        """Ids of a conversation whose pictures and videos have been made ready (`Media`)."""
        page = _Page(self)
        page.add(self.start)
        messages = conversation.messages
        if conversation.system is None and self.system:
            messages = (Message("system", (Text(self.system),)), *messages)
        for message in messages:
            page.add(self.openings[message.role])
            page.message(message)
            page.add(self.closing, learnt=message.role == "assistant")
            page.add(self.between)
        if add_generation_prompt:
            page.add(self.openings["assistant"])
        elif self.between and messages:
            del page.ids[-len(self.between) :], page.labels[-len(self.between) :]
        return Written(page.ids, page.labels, tuple(page.media))

    def safe(self, ids: Sequence[int]) -> bool:
        """Whether ids that a model wrote can stand in a history as they are."""
        return not self.plain.special_ids.intersection(ids)

    def image_tokens(self, looks: int, number: int = 0) -> int:
        """How many tokens a picture takes, all its tiles' looks together; 0: it has no number."""
        label = self.label(self.prompt.image_label, number) if number else []
        return len(label) + 2 + looks * self.tokens_per_look + len(self.newline)

    def video_tokens(self, num_frames: int) -> int:
        """How many tokens a video takes, known before it is read."""
        places = num_frames * (2 + self.tokens_per_look)
        if not self.prompt.frame_label:
            return places + len(self.newline)
        labels = sum(len(self.label(self.prompt.frame_label, i + 1)) for i in range(num_frames))
        return labels + places + num_frames * len(self.newline)

    def label(self, label: str, index: int) -> list[int]:
        """Tokens of a frame's or a picture's label."""
        text = label.format(index=index)
        if text not in self._labels:
            self._labels[text] = self.plain(text)
        return self._labels[text]


class _Page:
    """The ids and labels while a conversation is written."""

    def __init__(self, writer: PromptWriter) -> None:
        self.writer = writer
        self.ids: list[int] = []
        self.labels: list[int] = []
        self.media: list[Media] = []
        self.num_images = 0

    def add(self, ids: Sequence[int], learnt: bool = False) -> None:
        self.ids.extend(ids)
        self.labels.extend(ids if learnt else [IGNORE] * len(ids))

    def message(self, message: Message) -> None:
        # Whether pictures are numbered may not depend on what comes later, or a follow-up
        # question would change the ids of the turns before it.
        images = sum(isinstance(part, Media) and part.kind == "image" for part in message.parts)
        numbered = self.num_images + images > 1
        for part in message.parts:
            if isinstance(part, Text):
                ids = list(part.ids)
                if not ids or not self.writer.safe(ids):
                    ids = self.writer.plain(part.text)
                self.add(ids, learnt=message.role == "assistant")
            elif isinstance(part, Media):
                if part.kind == "image":
                    self.image(part, numbered)
                else:
                    self.video(part)
                self.media.append(part)
            else:
                raise TypeError(f"a {type(part).__name__} must be made ready before it is written.")

    def image(self, media: Media, numbered: bool) -> None:
        self.num_images += 1
        if numbered:
            self.add(self.writer.label(self.writer.prompt.image_label, self.num_images))
        self.placeholders(media.looks)
        self.add(self.writer.newline)

    def video(self, media: Media) -> None:
        label = self.writer.prompt.frame_label
        for i in range(media.looks):
            self.add(self.writer.label(label, i + 1))
            self.placeholders(1)
            if label:
                self.add(self.writer.newline)
        if not label:
            self.add(self.writer.newline)

    def placeholders(self, looks: int) -> None:
        self.add([self.writer.image_start])
        self.add([self.writer.image_token_id] * (looks * self.writer.tokens_per_look))
        self.add([self.writer.image_end])
