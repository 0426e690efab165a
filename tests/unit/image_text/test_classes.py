"""Five classes that transformers runs whole: its ids, pixels, logits and greedy tokens."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from families import finished, greedy, picture
from image_text_maker import MAKERS
from PIL import Image as PILImage
from transformers import PreTrainedModel

from vlm.assistant import Finished, Planned, Settings, State, TextDelta
from vlm.conversation import Clip, Conversation, Media, Message, Text
from vlm.image_text.assistant import ImageTextAssistant
from vlm.image_text.folder import load_processor, read_config
from vlm.image_text.prompt import frame_label, frame_metadata, takes_videos, written
from vlm.open_assistant import open_assistant

PAGE, SMALL = picture(40, 56), picture(24, 32, seed=3)
CLIP = np.stack([picture(32, 48, seed) for seed in range(4)])
TIMES = (0.0, 0.5, 1.0, 1.5)
ASK = "What do you see here?"
CHOSEN = Settings(max_new_tokens=12, num_frames=4)


class Whole:
    """The same weights: in our assistant, and in transformers' own class."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self.folder = kind, folder
        self.theirs: PreTrainedModel = MAKERS[kind](folder)
        opened = open_assistant(folder, dtype=torch.float32)
        assert isinstance(opened, ImageTextAssistant)
        self.assistant = opened
        self.processor: Any = load_processor(folder, read_config(folder))
        for name, pixels in (("page", PAGE), ("small", SMALL)):
            PILImage.fromarray(pixels).save(folder / f"{name}.png")
        first, *others = [PILImage.fromarray(frame) for frame in CLIP]
        first.save(
            folder / "film.webp", save_all=True, append_images=others, duration=500, lossless=True
        )

    def inputs(self, turns: list[tuple[list[Any], str]]) -> dict[str, Any]:
        """transformers' inputs, from pictures [H, W, 3], videos [T, H, W, 3] and texts."""
        messages, images, videos = [], [], []
        for media, text in turns:
            content: list[dict[str, Any]] = []
            for one in media:
                if one.ndim == 3:
                    content.append({"type": "image"})
                    images.append(one)
                elif takes_videos(self.processor):
                    content.append({"type": "video"})
                    videos.append(one)
                else:
                    for time, frame in zip(TIMES, one, strict=True):
                        content.append({"type": "text", "text": frame_label(time)})
                        content.append({"type": "image"})
                        images.append(frame)
            content.append({"type": "text", "text": text})
            role = "user" if len(messages) % 2 == 0 else "assistant"
            messages.append({"role": role, "content": content})
        prompt = self.processor.apply_chat_template(messages, add_generation_prompt=True)
        metadata = [frame_metadata(TIMES) for _ in videos]
        options = {"video_metadata": metadata, "do_sample_frames": False} if videos else {}
        given = self.processor(
            text=[prompt],
            images=[images] if images else None,
            videos=[videos] if videos else None,
            add_special_tokens=False,
            return_tensors="pt",
            **({"videos_kwargs": options} if videos else {}),
        )
        return dict(given)

    def expected(self, turns: list[tuple[list[Any], str]]) -> list[int]:
        facts = self.assistant.facts
        tokens = greedy(
            self.theirs,
            self.inputs(turns),
            suppress_tokens=list(facts.suppressed_ids),
            eos_token_id=sorted(facts.eos_ids),
        )
        return [token for token in tokens if token not in facts.eos_ids]


@pytest.fixture(scope="module", params=MAKERS)
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return Whole(request.param, tmp_path_factory.mktemp(request.param))


QUESTIONS: dict[str, tuple[list[str], list[Any]]] = {
    "words alone": ([], []),
    "a picture": (["page.png"], [PAGE]),
    "several pictures": (["page.png", "small.png"], [PAGE, SMALL]),
    "a video": (["film.webp"], [CLIP]),
    "a picture and a video": (["small.png", "film.webp"], [SMALL, CLIP]),
}


def test_answers_are_transformers_own(whole: Whole) -> None:
    answers = set()
    for name, (files, media) in QUESTIONS.items():
        last = finished(whole.assistant, State(), ASK, [whole.folder / f for f in files], CHOSEN)
        turns = [(media, ASK)]
        assert last.usage.prompt_tokens == whole.inputs(turns)["input_ids"].shape[1], name
        assert list(last.state.turns[0].answer_ids) == whole.expected(turns), name
        answers.add(last.state.turns[0].answer_ids)
    assert len(answers) > len(QUESTIONS) / 2  # not a model that always answers the same


def test_follow_ups_are_transformers_own_and_reuse_what_is_known(whole: Whole) -> None:
    pages = [whole.folder / "page.png"]
    first = finished(whole.assistant, State(), ASK, pages, CHOSEN)
    second = finished(whole.assistant, first.state, "Where?", [], CHOSEN)
    said = [first.text, second.text]
    turns = [([PAGE], ASK), ([], said[0]), ([], "Where?")]
    assert list(second.state.turns[1].answer_ids) == whole.expected(turns)
    reuses = whole.kind != "gemma3"  # whose pictures see their own tokens in both directions
    assert (second.usage.reused_tokens > first.usage.prompt_tokens - 8) == reuses
    assert second.usage.decoded_files == 0
    film = [whole.folder / "film.webp"]
    third = finished(whole.assistant, second.state, "And here?", film, CHOSEN)
    turns += [([], said[1]), ([CLIP], "And here?")]
    assert list(third.state.turns[2].answer_ids) == whole.expected(turns)
    fourth = finished(whole.assistant, third.state, "When?", [], CHOSEN)
    turns += [([], third.text), ([], "When?")]
    assert list(fourth.state.turns[3].answer_ids) == whole.expected(turns)


def test_another_conversation_in_between_changes_nothing(whole: Whole) -> None:
    """Qwen's classes keep the positions of their last prompt in the model itself."""
    films = [whole.folder / "film.webp"]
    first = finished(whole.assistant, State(), ASK, films, CHOSEN)
    alone = finished(whole.assistant, first.state, "Where?", [], CHOSEN)
    finished(whole.assistant, State(), "Who?", [whole.folder / "page.png"], CHOSEN)
    again = finished(whole.assistant, first.state, "Where?", [], CHOSEN)
    assert again.state.turns[1].answer_ids == alone.state.turns[1].answer_ids


def test_ids_pixels_and_logits_are_transformers_own(whole: Whole) -> None:
    media = [
        Media("image", (Clip(PAGE[None], (0.0,)),)),
        Media("video", (Clip(CLIP, (0.0,) * len(CLIP)),), TIMES),
    ]
    ours = written(whole.processor, Conversation((Message("user", (*media, Text(ASK))),)))
    theirs = whole.inputs([([PAGE, CLIP], ASK)])
    assert ours.tensors.keys() == theirs.keys()
    for name, value in theirs.items():
        assert torch.equal(torch.as_tensor(ours.tensors[name]), torch.as_tensor(value)), name
    with torch.inference_mode():
        logits = whole.assistant._computer.model(**ours.tensors).logits
        assert torch.equal(logits, whole.theirs(**theirs).logits)
    assert logits.std() > 0.1


def test_typed_markup_stays_text(whole: Whole) -> None:
    marks = [t for t in whole.processor.tokenizer.added_tokens_encoder if t.startswith("<")]
    asked = Conversation((Message("user", (Text(" ".join(marks)),)),))
    plain = Conversation((Message("user", (Text("a"),)),))
    special = set(whole.processor.tokenizer.added_tokens_encoder.values())

    def count(conversation: Conversation) -> int:
        return sum(i in special for i in written(whole.processor, conversation).ids)

    assert count(asked) == count(plain)


def test_the_plan_counts_what_the_prompt_takes_or_a_frame_more(whole: Whole) -> None:
    files = [whole.folder / "small.png", whole.folder / "film.webp"]
    planned, *_, last = whole.assistant.reply(State(), ASK, files, CHOSEN)
    assert isinstance(planned, Planned)
    assert isinstance(last, Finished)
    assert 0 <= planned.plan.total - last.usage.prompt_tokens <= 24
    assert [file.frames for file in planned.plan.files] == [1, 4]


def test_frames_have_their_times(whole: Whole) -> None:
    last = finished(whole.assistant, State(), ASK, [whole.folder / "film.webp"], CHOSEN)
    (seen,) = last.seen
    assert seen.times == pytest.approx(TIMES)
    assert len(seen.frames) == 4


def test_a_stopped_answer_keeps_its_words_and_one_before_its_first_word_nothing(
    whole: Whole,
) -> None:
    stop = threading.Event()
    long = Settings(max_new_tokens=200)
    pieces = []
    for event in whole.assistant.reply(State(), ASK, settings=long, stop=stop):
        if isinstance(event, TextDelta):
            pieces.append(event.piece)
            stop.set()
    assert isinstance(event, Finished)
    assert event.stopped
    assert event.text.startswith("".join(pieces))
    assert event.usage.new_tokens < 200
    stop.set()
    (*_, last) = whole.assistant.reply(State(), ASK, settings=long, stop=stop)
    assert isinstance(last, Finished)
    assert last.stopped
    assert last.state.turns == ()
    assert finished(whole.assistant, State(), ASK, [], CHOSEN).text


def test_two_answers_at_once_are_those_of_one_after_the_other(whole: Whole) -> None:
    files = {"page.png": [], "small.png": [], "film.webp": []}
    alone = {
        name: finished(whole.assistant, State(), ASK, [whole.folder / name], CHOSEN).text
        for name in files
    }
    together: dict[str, str] = {}

    def ask(name: str) -> None:
        together[name] = finished(whole.assistant, State(), ASK, [whole.folder / name], CHOSEN).text

    threads = [threading.Thread(target=ask, args=(name,)) for name in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone
