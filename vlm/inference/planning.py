"""From a question and its files to a plan and a prompt, before anything is decoded."""

from collections.abc import Sequence
from dataclasses import replace

from vlm.conversation import Conversation, Message, Text
from vlm.inference.budget import FilePlan, Plan, fit_to_context, requested
from vlm.inference.caches import Encoded
from vlm.inference.events import State
from vlm.inference.settings import Settings
from vlm.media.decode import MediaInfo
from vlm.media.tilings import TILINGS
from vlm.processor import PVCProcessor

# Asked where a file comes without a question.
DEFAULT_QUESTIONS = {"image": "What is in this picture?", "video": "What happens in this video?"}


def question(text: str, infos: Sequence[MediaInfo]) -> str:
    """Returns the question as typed, or a default one for files without a question."""
    if text.strip():
        return text
    if not infos:
        raise ValueError("There is no question: type one, or add a picture or a video.")
    return DEFAULT_QUESTIONS[infos[-1].kind]


def conversation(state: State, text: str, media: Sequence[Encoded] = ()) -> Conversation:
    """Returns the turns so far and a new question, with its pictures and videos in front."""
    messages = []
    for turn in state.turns:
        pictures = (encoded.media for encoded in turn.media)
        messages.append(Message("user", (*pictures, Text(turn.text))))
        messages.append(Message("assistant", (Text(turn.answer, turn.answer_ids),)))
    pictures = (encoded.media for encoded in media)
    return Conversation((*messages, Message("user", (*pictures, Text(text)))))


def plan_files(
    processor: PVCProcessor,
    context: int,
    state: State,
    infos: Sequence[MediaInfo],
    text: str,
    settings: Settings,
    with_words: bool = False,
) -> Plan:
    """Chooses frames, tiles and looks of each file so that everything fits into the context.

    `with_words` leaves room for the experts' words.
    """
    writer, prompt = processor.writer, processor.prompt_config
    requests, notes = [], []
    for info in infos:
        request, limits = requested(info, prompt, settings)
        requests.append(request)
        notes += limits
    before = writer.write(conversation(state, text), add_generation_prompt=True)
    kinds = [media.kind for media in before.media] + [info.kind for info in infos]
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
        text_tokens=len(before.ids),
        answer_tokens=settings.max_new_tokens,
        context=context,
    )
    return replace(plan, notes=(*notes, *plan.notes))
