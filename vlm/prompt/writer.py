"""Writes a conversation as token ids.

Text from people, files or models is tokenized separately, with special tokens off, and then joined
with ids from the template. No user text, history or system text can therefore become a role marker,
an end of turn or a placeholder of a picture: those ids only come from here.

Markup, as in InternVL: a picture is `<img>` + placeholders + `</img>` with all its tiles inside, a
video has one such pair for each frame. The experts' words follow, a line each, as plain text.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from vlm.config import PromptConfig
from vlm.conversation import Conversation, Media, Message, Text
from vlm.prompt.safe_tokenizer import PlainTokenizer
from vlm.prompt.template import TurnMarkup, template_of

# Of the experts' words: for the things in a picture or a first frame, and for each word of text.
# Most frames of a video add nothing to the ones before.
FIRST_LINE, TOKENS_PER_WORD, TOKENS_PER_FRAME_WORD = 128, 3, 1.5
IGNORE = -100  # the label of tokens without a loss, as in torch's cross entropy


@dataclass(frozen=True)
class Written:
    """Token ids of a conversation."""

    ids: list[int]
    labels: list[int]  # the id within an answer to learn (end of turn included), else IGNORE
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
        self.newline = self.plain("\n", self.plain.adds_space_after([self.image_end]))
        self.closing = self.literal(self.template.close("assistant"))
        self.end_of_turn = self.closing[-1] if self.closing else None
        if self.end_of_turn not in self.plain.special_ids:
            raise ValueError(
                f"this tokenizer has no special token {self.template.close('assistant')!r}, which"
                f" ends the turns of the template {prompt.template!r}."
            )

    def write(self, conversation: Conversation, add_generation_prompt: bool = False) -> Written:
        """Writes a conversation whose pictures and videos have been prepared (`Media`)."""
        page = _Page(self)
        messages = conversation.messages
        if conversation.system is None and self.system is not None:
            messages = (Message("system", (Text(self.system),)), *messages)
        turns, ending = self.template.frame([m.role for m in messages], add_generation_prompt)
        for turn, message in zip(turns, messages, strict=True):
            page.turn(turn, message)
        page.literal(ending)
        return Written(page.ids, page.labels, tuple(page.media))

    def literal(self, text: str, leading_space: bool = False) -> list[int]:
        """Returns the ids of a template's literal; its markup becomes special tokens."""
        key = (text, leading_space)
        if key not in self._literals:
            self._literals[key] = self.plain.markup(text, leading_space)
        return self._literals[key]

    def safe(self, ids: Sequence[int]) -> bool:
        """Returns whether ids that a model generated may go into a history as they are."""
        return not self.plain.special_ids.intersection(ids)

    def image_tokens(self, looks: int, number: int = 0) -> int:
        """Returns the tokens of a picture with all looks at its tiles; number 0: no label."""
        label = self.label(self.prompt.image_label, number) if number else []
        return len(label) + 2 + looks * self.tokens_per_look + len(self.newline)

    def video_tokens(self, num_frames: int) -> int:
        """Returns the tokens of a video, known before it is decoded."""
        frames = num_frames * (2 + self.tokens_per_look)
        if not self.prompt.frame_label:
            return frames + len(self.newline)
        labels = sum(len(self.label(self.prompt.frame_label, i + 1)) for i in range(num_frames))
        return labels + frames + num_frames * len(self.newline)

    def most_word_tokens(self, kind: str, looks: int) -> int:
        """Returns the most tokens that the experts' words of a picture or a video take.

        `looks` counts those at a picture (at one of its tiles), or the frames of a video.
        """
        if kind == "video":
            return FIRST_LINE + round(looks * self.prompt.words_per_frame * TOKENS_PER_FRAME_WORD)
        return FIRST_LINE + looks * self.prompt.words_per_look * TOKENS_PER_WORD

    def words(self, media: Media) -> list[int]:
        """Returns the tokens of the experts' words; what does not fit is left out."""
        looks = media.looks if media.kind == "video" else media.clips[0].looks
        return self.fitting_lines(media.words, self.most_word_tokens(media.kind, looks))

    def fitting_lines(self, lines: Sequence[str], room: int) -> list[int]:
        """Returns the tokens of whole words of these lines, at most `room` of them."""
        tokens: list[int] = []
        for line in filter(None, lines):
            words = line.split(" ")
            left = room - len(tokens) - len(self.newline)

            def too_long(count: int, words: list[str] = words, left: int = left) -> bool:
                return len(self.plain(" ".join(words[:count]))) > left

            count = len(words)
            if too_long(count):
                count = bisect_left(range(count), True, key=too_long) - 1
            if count < 1:
                break
            tokens += self.plain(" ".join(words[:count])) + self.newline
        return tokens

    def label(self, label: str, index: int) -> list[int]:
        """Returns the tokens of a frame's or a picture's label."""
        text = label.format(index=index)
        if text not in self._labels:
            self._labels[text] = self.plain(text)
        return self._labels[text]


class _Page:
    """The ids and labels of a conversation while it is written."""

    def __init__(self, writer: PromptWriter) -> None:
        self.writer = writer
        self.ids: list[int] = []
        self.labels: list[int] = []
        self.media: list[Media] = []
        self.num_images = 0

    def literal(self, text: str, learned: bool = False) -> None:
        """Adds a literal of the template."""
        self.add(self.writer.literal(text, self.writer.plain.adds_space_after(self.ids)), learned)

    def text(self, text: str, learned: bool = False) -> None:
        """Adds text of a message."""
        self.add(self.writer.plain(text, self.writer.plain.adds_space_after(self.ids)), learned)

    def add(self, ids: Sequence[int], learned: bool = False) -> None:
        self.ids.extend(ids)
        self.labels.extend(ids if learned else [IGNORE] * len(ids))

    def turn(self, turn: TurnMarkup, message: Message) -> None:
        # Whether pictures are numbered must not depend on later messages, or a follow-up question
        # would change the ids of the turns before it.
        images = sum(isinstance(part, Media) and part.kind == "image" for part in message.parts)
        numbered = self.num_images + images > 1
        is_answer = message.role == "assistant"
        learned = is_answer and message.has_loss
        # Tokenizers join a space with the word after it, not with the markup before.
        before = turn.before.rstrip(" ")
        lead = turn.before[len(before) :] + (self.writer.template.lead if is_answer else "")
        self.literal(before)
        for part in message.parts:
            if isinstance(part, Text):
                ids = list(part.ids)
                if ids and self.writer.safe(ids):
                    self.add(ids, learned)
                else:
                    self.text(lead + part.text, learned)
            elif isinstance(part, Media):
                if lead:
                    self.text(lead)
                if part.kind == "image":
                    self.image(part, numbered)
                else:
                    self.video(part)
                self.add(self.writer.words(part))
                self.media.append(part)
            else:
                raise TypeError(f"a {type(part).__name__} must be prepared before it is written.")
            lead = ""
        self.literal(turn.after, learned)

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
