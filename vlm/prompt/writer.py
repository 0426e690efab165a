"""Writes a conversation as token ids.

Text from people, files or models is tokenized separately, with special tokens off, and then joined
with ids from the template. No user text, history or system text can therefore become a role marker,
an end of turn or a placeholder of a picture: those ids only come from here.

The markup of a picture or a video is a layout's (vlm/prompt/layouts.py). The experts' words follow,
a line each, as plain text.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from vlm.config import PromptConfig
from vlm.conversation import Conversation, Media, Message, Text
from vlm.media.sampling import segment_times
from vlm.prompt.layouts import LAYOUTS, Mark, Piece
from vlm.prompt.safe_tokenizer import PlainTokenizer
from vlm.prompt.template import TurnMarkup, template_of
from vlm.unknown_name import check_name

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

        check_name("layout", prompt.layout, LAYOUTS)
        self.layout = LAYOUTS[prompt.layout](prompt)
        self._vocabulary = tokenizer.get_vocab()
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

    def image_tokens(self, looks: int, number: int = 0, grid: tuple[int, int] = (1, 1)) -> int:
        """Returns the tokens of a picture with all looks at its tiles; number 0: no label.

        `grid` are the columns and rows that it is cut into.
        """
        return self._length(self.layout.image(looks, grid, number))

    def video_tokens(self, num_frames: int, duration: float = 0.0) -> int:
        """Returns the tokens of a video of `duration` seconds, known before it is decoded."""
        times = segment_times(duration, num_frames)
        return self._length(self.layout.video(times, duration))

    def _length(self, pieces: Iterable[Piece]) -> int:
        page = _Page(self)
        page.pieces(pieces)
        # Text that is tokenized with the question may take a token more where both meet.
        return len(page.ids) + len(self.plain(page.pending)) + self.layout.merges_text

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

    def label(self, text: str) -> list[int]:
        """Returns the tokens of a frame's or a picture's label, or of the end of its line."""
        if text == "\n":
            return self.newline
        if text not in self._labels:
            self._labels[text] = self.plain(text)
        return self._labels[text]

    def mark(self, token: str) -> list[int]:
        """Returns the id of a special token of the markup; a token it lacks is written as text."""
        id = self._vocabulary.get(token)
        return self.plain(token) if id is None else [id]


class _Page:
    """The ids and labels of a conversation while it is written."""

    def __init__(self, writer: PromptWriter) -> None:
        self.writer = writer
        self.ids: list[int] = []
        self.labels: list[int] = []
        self.media: list[Media] = []
        self.num_images = 0
        self.pending = ""  # text of the layout, tokenized together with the text after it

    def literal(self, text: str, learned: bool = False) -> None:
        """Adds a literal of the template."""
        self.flush()
        self.add(self.writer.literal(text, self.writer.plain.adds_space_after(self.ids)), learned)

    def text(self, text: str, learned: bool = False) -> None:
        """Adds text of a message."""
        text, self.pending = self.pending + text, ""
        self.add(self.writer.plain(text, self.writer.plain.adds_space_after(self.ids)), learned)

    def flush(self) -> None:
        """Adds the text that waits for more."""
        if self.pending:
            self.text("")

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
                if part.kind == "image" and not self.writer.template.space_before_image:
                    lead = lead.removesuffix(" ")
                self.medium(part, lead, numbered)
                if words := self.writer.words(part):
                    self.flush()
                    self.add(words)
                self.media.append(part)
            else:
                raise TypeError(f"a {type(part).__name__} must be prepared before it is written.")
            lead = ""
        self.literal(turn.after, learned)

    def medium(self, media: Media, lead: str, numbered: bool) -> None:
        """Adds a picture or a video, after the space `lead` of its message."""
        layout = self.writer.layout
        if lead and layout.merges_text:
            self.pending += lead
        elif lead:
            self.text(lead)
        if media.kind == "video":
            self.pieces(layout.video(media.times, media.duration))
            return
        self.num_images += 1
        self.pieces(layout.image(media.looks, media.grid, self.num_images if numbered else 0))

    def pieces(self, pieces: Iterable[Piece]) -> None:
        """Adds what a layout yields."""
        for piece in pieces:
            if isinstance(piece, str):
                if self.writer.layout.merges_text:
                    self.pending += piece
                else:
                    self.add(self.writer.label(piece))
                continue
            self.flush()
            if isinstance(piece, Mark):
                self.add(self.writer.mark(piece.token))
            else:
                count = piece.count * self.writer.tokens_per_look
                self.add([self.writer.image_token_id] * count)
