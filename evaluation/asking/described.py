"""Where a benchmark's pictures and videos get the experts' words, as files in the chat do.

Only for a model whose config names experts; for others nothing changes. The experts look at pixels
as decoded, before they are shrunk to the tower's squares.
"""

from collections.abc import Callable
from dataclasses import replace

from vlm.conversation import Conversation, Image, Part, Text, Video
from vlm.experts.expert_words import Described
from vlm.processor import PVCProcessor

Words = Callable[[Image | Video], Described]  # a vlm.experts.expert_words.ExpertWords


def described(conversation: Conversation, words: Words | None) -> Conversation:
    """Lets the experts look at what comes without words."""
    if words is None:
        return conversation

    def with_words(part: Part) -> Part:
        return words(part).part if isinstance(part, Image | Video) and not part.words else part

    return _with_parts(conversation, with_words)


def words_for_media(conversation: Conversation, processor: PVCProcessor) -> Conversation:
    """Puts the experts' words in the place of media: the tokens that would stand behind theirs."""
    looks = processor.prompt_config.looks

    def only_words(part: Part) -> Part:
        if isinstance(part, Video):
            room = processor.writer.most_word_tokens("video", len(part.frames))
        elif isinstance(part, Image):
            room = processor.writer.most_word_tokens("image", part.looks or looks)
        else:
            return part
        lines = "".join(f"{line}\n" for line in part.words if line)
        return Text(lines, tuple(processor.writer.fitting_lines(part.words, room)))

    return _with_parts(conversation, only_words)


def _with_parts(conversation: Conversation, change: Callable[[Part], Part]) -> Conversation:
    return Conversation(
        tuple(
            replace(message, parts=tuple(map(change, message.parts)))
            for message in conversation.messages
        )
    )
