"""Templates, and how messages become token ids.

Text that people, files or models wrote is tokenised apart, with special tokens switched off, and
then joined with ids that come from the template. So no user text, history or system text can
become a role marker, an end of turn or a place for a picture: those ids only come from here.

Markup, as in InternVL: a picture is `<img>` + placeholders + `</img>` with all its tiles inside, a
video has one such pair for each frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from vlm.config import PromptConfig
from vlm.conversation import Conversation, Media, Message, Text
from vlm.prompt.safe_tokenizer import PlainTokenizer
from vlm.prompt.template import TurnMarkup, template_of

IGNORE = -100  # the label of tokens that are not learnt, as in torch's cross entropy


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
        self.template = template_of(prompt.template)
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

        self._literals: dict[tuple[str, bool], list[int]] = {}
        self.newline = self.plain("\n", self.plain.leads([self.image_end]))
        self.closing = self.literal(self.template.close("assistant"))
        self.end_of_turn = self.closing[-1] if self.closing else None
        if self.end_of_turn not in self.plain.special_ids:
            raise ValueError(
                f"this tokenizer has no special token {self.template.close('assistant')!r}, which"
                f" the template {prompt.template!r} ends its turns with."
            )

    def write(self, conversation: Conversation, add_generation_prompt: bool = False) -> Written:
        """Ids of a conversation whose pictures and videos have been made ready (`Media`)."""
        page = _Page(self)
        messages = conversation.messages
        if conversation.system is None and self.system is not None:
            messages = (Message("system", (Text(self.system),)), *messages)
        turns, ending = self.template.frame([m.role for m in messages], add_generation_prompt)
        for turn, message in zip(turns, messages, strict=True):
            page.turn(turn, message)
        page.literal(ending)
        return Written(page.ids, page.labels, tuple(page.media))

    def literal(self, text: str, leads: bool = False) -> list[int]:
        """Ids of what a template says; its markup becomes special tokens."""
        if (text, leads) not in self._literals:
            self._literals[text, leads] = self.plain.markup(text, leads)
        return self._literals[text, leads]

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

    def literal(self, text: str, learnt: bool = False) -> None:
        """What the template says."""
        self.add(self.writer.literal(text, self.writer.plain.leads(self.ids)), learnt)

    def text(self, text: str, learnt: bool = False) -> None:
        """What somebody says."""
        self.add(self.writer.plain(text, self.writer.plain.leads(self.ids)), learnt)

    def add(self, ids: Sequence[int], learnt: bool = False) -> None:
        self.ids.extend(ids)
        self.labels.extend(ids if learnt else [IGNORE] * len(ids))

    def turn(self, turn: TurnMarkup, message: Message) -> None:
        # Whether pictures are numbered may not depend on what comes later, or a follow-up
        # question would change the ids of the turns before it.
        images = sum(isinstance(part, Media) and part.kind == "image" for part in message.parts)
        numbered = self.num_images + images > 1
        learnt = message.role == "assistant"
        # Tokenizers join a space with the word after it, not with the markup before.
        before = turn.before.rstrip(" ")
        lead = turn.before[len(before) :] + (self.writer.template.lead if learnt else "")
        self.literal(before)
        for part in message.parts:
            if isinstance(part, Text):
                ids = list(part.ids)
                if ids and self.writer.safe(ids):
                    self.add(ids, learnt)
                else:
                    self.text(lead + part.text, learnt)
            elif isinstance(part, Media):
                if lead:
                    self.text(lead)
                if part.kind == "image":
                    self.image(part, numbered)
                else:
                    self.video(part)
                self.media.append(part)
            else:
                raise TypeError(f"a {type(part).__name__} must be made ready before it is written.")
            lead = ""
        self.literal(turn.after, learnt)

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
