"""From a question and its files to a plan and a prompt, before anything is decoded."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

from vlm.conversation import Conversation, Message, Part, Text
from vlm.inference.budget import FilePlan, Plan, fit_to_context, requested
from vlm.inference.caches import Encoded
from vlm.inference.events import Asked, State, Turn
from vlm.inference.settings import Settings
from vlm.inference.visual.media_source import MediaSource
from vlm.media.decode import MediaInfo
from vlm.media.tilings import TILINGS
from vlm.processor import PVCProcessor, Rendered
from vlm.prompt.writer import Written

# Asked where a file comes without a question.
DEFAULT_QUESTIONS = {"image": "What is in this picture?", "video": "What happens in this video?"}


def question(text: str, infos: Sequence[MediaInfo]) -> str:
    """Returns the question as typed, or a default one for files without a question."""
    if text.strip():
        return text
    if not infos:
        raise ValueError("There is no question: type one, or add a picture or a video.")
    return DEFAULT_QUESTIONS[infos[-1].kind]


def conversation(
    state: State, text: str, media: Sequence[Encoded] = (), before: Sequence[str] = ()
) -> Conversation:
    """Returns the turns so far and a new question.

    Each of its pictures and videos follows its text of `before`, or comes first without it.
    """
    messages = [] if state.system is None else [Message("system", (Text(state.system),))]
    for turn in state.turns:
        messages.append(_question(turn.text, turn.media, turn.before))
        messages.append(Message("assistant", (Text(turn.answer, turn.answer_ids),)))
    return Conversation((*messages, _question(text, media, before)))


def _question(text: str, media: Sequence[Encoded], before: Sequence[str]) -> Message:
    parts: list[Part] = []
    for i, encoded in enumerate(media):
        if i < len(before) and before[i]:
            parts.append(Text(before[i]))
        parts.append(encoded.media)
    if not media:  # of a plan, before the files are seen
        text = "".join((*before, text))
    return Message("user", (*parts, Text(text)))


def with_questions(earlier: Sequence[Asked], infos: Sequence[MediaInfo]) -> list[Asked]:
    """Gives earlier turns that are files alone the default question they were answered with."""
    found, left = [], list(infos)
    for asked in earlier:
        own, left = left[: len(asked.files)], left[len(asked.files) :]
        text = question(asked.text, own) if own and not asked.before else asked.text
        found.append(replace(asked, text=text))
    return found


def with_turns(state: State, earlier: Sequence[Asked], media: Sequence[Encoded] = ()) -> State:
    """Adds turns from elsewhere to a state, with their files once these have been seen."""
    turns, left = list(state.turns), list(media)
    for asked in earlier:
        count = len(asked.files)
        seen, left = left[:count], left[count:]
        names = tuple(file.path.name for file in asked.files)
        turns.append(Turn(asked.text, names, asked.answer, False, tuple(seen), (), asked.before))
    return replace(state, turns=tuple(turns))


def plan_files(
    processor: PVCProcessor,
    context: int,
    written: Written | Rendered,
    infos: Sequence[MediaInfo],
    settings: Settings,
    with_words: bool = False,
    sources: Sequence[MediaSource] | None = None,
) -> Plan:
    """Chooses frames, tiles and looks of each file so that everything fits into the context.

    `written` is the conversation without them. `with_words` leaves room for the experts' words.
    `infos` describe all files that have not been encoded, also those of earlier turns. Raises
    PromptTooLong if nothing fits.
    """
    writer, prompt = processor.writer, processor.prompt_config
    requests, notes = [], []
    for info, source in itertools.zip_longest(infos, sources or ()):
        request, limits = requested(info, prompt, settings, source)
        requests.append(request)
        notes += limits
    kinds = [media.kind for media in written.media] + [info.kind for info in infos]
    images = kinds.count("image")

    def cost(file: FilePlan) -> int:
        if file.kind == "video":
            words = writer.most_word_tokens("video", file.frames) if with_words else 0
            return writer.video_tokens(file.frames, file.duration) + words
        words = writer.most_word_tokens("image", file.looks) if with_words else 0
        # Several pictures are numbered; the longest label stands for each.
        label = images if images > 1 else 0
        return writer.image_tokens(file.tiles * file.looks, label, file.grid) + words

    plan = fit_to_context(
        requests,
        cost,
        tile_size=processor.image_processor.image_size,
        tiling=TILINGS[processor.image_processor.tiling],
        text_tokens=len(written.ids),
        answer_tokens=settings.max_new_tokens,
        context=context,
    )
    return replace(plan, notes=(*notes, *plan.notes))
