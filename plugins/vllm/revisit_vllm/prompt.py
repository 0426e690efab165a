"""The tokens that stand for pictures and videos in a prompt of vLLM's.

A prompt has `<img></img>` for a picture and `<IMG_CONTEXT>` for a video (the model's own special
tokens). Both are replaced by the markup that the model was trained with: labels, marks, and a
placeholder for each visual token.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from vlm.processor import PVCProcessor
from vlm.prompt.layouts import Looks, Mark, Piece
from vlm.prompt.writer import PromptWriter


class Place(NamedTuple):
    """Where a picture or a video stands."""

    number: int  # of a picture among others; 0: none
    ends_line: bool  # whether the prompt ends the line after it


def placeholders(processor: PVCProcessor) -> tuple[str, str]:
    """Returns the text that stands for a picture, and the text that stands for a video."""
    start, inside, end = processor.prompt_config.image_tokens
    return start + end, inside


def placeholder_ids(writer: PromptWriter) -> dict[str, list[int]]:
    """Returns the ids of the placeholders."""
    return {"image": [writer.image_start, writer.image_end], "video": [writer.image_token_id]}


def span(pieces: Iterable[Piece], writer: PromptWriter) -> list[int]:
    """Writes the pieces of a layout."""
    ids: list[int] = []
    for piece in pieces:
        if isinstance(piece, str):
            ids += writer.label(piece)
        elif isinstance(piece, Mark):
            ids += writer.mark(piece.token)
        else:
            assert isinstance(piece, Looks)
            ids += [writer.image_token_id] * (piece.count * writer.tokens_per_look)
    return ids


def in_place(ids: Sequence[int], place: Place, writer: PromptWriter) -> list[int]:
    """Returns the ids of a medium as they stand in one prompt.

    A line ends after each medium; one that the prompt ends itself counts as that.
    """
    label = writer.prompt.image_label.format(index=place.number) if place.number else ""
    written = [*(writer.label(label) if label else ()), *ids]
    return written[: -len(writer.newline)] if place.ends_line else written


def find_placeholders(ids: Sequence[int], writer: PromptWriter) -> dict[str, list[Place]]:
    """Returns the places of pictures and of videos, in order.

    A picture has a number if another one comes before it or in its turn.
    """
    targets, newline = placeholder_ids(writer), list(writer.newline)
    found: dict[str, list[Place]] = {"image": [], "video": []}
    turn: list[bool] = []  # whether a line ends after each picture of this turn

    def end_turn() -> None:
        first = len(found["image"]) + 1
        numbered = first + len(turn) > 2
        for number, ends_line in enumerate(turn, first):
            found["image"].append(Place(number if numbered else 0, ends_line))
        turn.clear()

    position = 0
    while position < len(ids):
        kind = next(
            (
                kind
                for kind, target in targets.items()
                if list(ids[position : position + len(target)]) == target
            ),
            None,
        )
        if kind is None:
            if ids[position] == writer.end_of_turn:
                end_turn()
            position += 1
            continue
        position += len(targets[kind])
        ends_line = list(ids[position : position + len(newline)]) == newline
        if kind == "image":
            turn.append(ends_line)
        else:
            found["video"].append(Place(0, ends_line))
    end_turn()
    return found
