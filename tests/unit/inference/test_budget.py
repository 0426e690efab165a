"""The token budget of a question, and what is reduced if it does not fit."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import tiny_assistant

from vlm.assistant import Finished, Planned, State
from vlm.config import MAX_LOOKS, PromptConfig
from vlm.inference.budget import MIN_FRAMES, FilePlan, Plan, fit_to_context, requested
from vlm.inference.settings import Settings
from vlm.media.decode import MediaInfo
from vlm.media.squares import tile_image

M = 17
PROMPT = PromptConfig(
    looks=4, max_tiles=6, default_tiles=1, max_frames=64, default_frames=16, frames_per_second=2.0
)


def cost(file: FilePlan) -> int:
    return file.frames * M if file.kind == "video" else file.tiles * file.looks * M


def fitted(*files: FilePlan, context: int = 8192, text: int = 50, answer: int = 256) -> Plan:
    return fit_to_context(
        files, cost, tile_size=32, text_tokens=text, answer_tokens=answer, context=context
    )


def film(frames: int, name: str = "clip.mp4") -> FilePlan:
    return FilePlan(name, "video", frames)


def page(max_tiles: int = 6, looks: int = 4) -> FilePlan:
    return FilePlan("page.png", "image", looks=looks, max_tiles=max_tiles, size=(200, 300))


def info(duration: float, num_frames: int) -> MediaInfo:
    return MediaInfo("/a/clip.mp4", "video", 640, 360, duration, num_frames, 25.0, "mp4", "h264")


def test_a_plan_that_fits_is_unchanged_and_has_no_notes() -> None:
    plan = fitted(film(64), page())
    assert [file.frames for file in plan.files] == [64, 1]
    assert plan.files[1].tiles == 7  # 2 x 3 and the thumbnail
    assert plan.notes == ()
    assert plan.total == 50 + 64 * M + 7 * 4 * M
    assert plan.context_left == 8192 - plan.total


def test_frames_are_reduced_with_a_note() -> None:
    plan = fitted(film(64), context=50 + 40 * M + 256)
    assert plan.files[0].frames == 40
    assert plan.notes == (
        f"clip.mp4: 40 frames instead of 64, to fit {50 + 40 * M + 256:,} tokens.",
    )


def test_tiles_are_reduced_before_frames_and_frames_before_looks() -> None:
    whole = 64 * M + 7 * 4 * M + 306
    plan = fitted(film(64), page(), context=whole - M)
    assert (plan.files[0].frames, plan.files[1].looks) == (64, 4)
    assert plan.files[1].tiles < 7
    plan = fitted(film(64), page(), context=306 + 20 * M + 4 * M)
    assert (plan.files[0].frames, plan.files[1].tiles, plan.files[1].looks) == (20, 1, 4)
    plan = fitted(film(64), page(), context=306 + 4 * M + 2 * M)
    assert (plan.files[0].frames, plan.files[1].tiles, plan.files[1].looks) == (MIN_FRAMES, 1, 2)
    assert "4 frames instead of 64" in plan.notes[0]
    assert plan.notes[1].startswith(
        "page.png: 1 tile instead of 7 and 2 looks instead of 4, to fit"
    )


def test_the_longest_video_is_reduced_first() -> None:
    plan = fitted(film(60, "long.mp4"), film(10, "short.mp4"), context=306 + 30 * M)
    assert [file.frames for file in plan.files] == [20, 10]


def test_the_answer_is_shortened_last_with_a_note() -> None:
    plan = fitted(text=900, context=1000)
    assert plan.answer_tokens == 100
    assert plan.notes == ("The answer may take 100 tokens instead of 256.",)


@pytest.mark.parametrize("limit", [2048, 8000, 10**9])
def test_a_longer_answer_limit_does_not_reduce_what_is_seen(limit: int) -> None:
    usual, longer = fitted(film(16), page()), fitted(film(16), page(), answer=limit)
    assert longer.files == usual.files
    assert longer.total == usual.total
    assert longer.answer_tokens == min(limit, 8192 - longer.total)
    notes = (f"The answer may take {longer.answer_tokens:,} tokens instead of {limit:,}.",)
    assert longer.notes == (notes if limit > longer.answer_tokens else ())


def test_a_quarter_of_the_context_is_reserved_for_a_long_answer() -> None:
    plan = fitted(film(1000), context=4096, answer=4000)
    assert plan.files[0].frames == (4096 - 1024 - 50) // M
    assert plan.answer_tokens == 4096 - plan.total >= 1024
    assert plan.notes[0].startswith(f"clip.mp4: {plan.files[0].frames} frames instead of 1000")
    assert plan.notes[1] == f"The answer may take {plan.answer_tokens:,} tokens instead of 4,000."


def test_any_number_of_looks_is_reduced_at_once() -> None:
    calls = []

    def counted(file: FilePlan) -> int:
        calls.append(file)
        return cost(file)

    plan = fit_to_context(
        [page(looks=10**9), film(10**9)],
        counted,
        tile_size=32,
        text_tokens=50,
        answer_tokens=256,
        context=8192,
    )
    assert plan.files[1].frames == MIN_FRAMES
    assert plan.files[0].looks == (8192 - 256 - 50 - MIN_FRAMES * M) // M
    assert len(calls) < 2000


def test_a_question_that_cannot_fit_is_refused_with_the_numbers() -> None:
    with pytest.raises(
        ValueError,
        match=r"needs at least 1,050 tokens \(950 for the conversation and the question, 68 for"
        r" the files, 32 for the answer\), but the model holds 1,000: .*attach less",
    ):
        fitted(film(64), text=950, context=1000)
    with pytest.raises(ValueError, match="begin a new conversation") as error:
        fitted(text=990, context=1000)
    assert "files" not in str(error.value)


@given(
    st.lists(
        st.builds(film, st.integers(1, 96))
        | st.builds(page, st.integers(1, 12), st.integers(1, 4)),
        max_size=4,
    ),
    st.integers(100, 4000),
    st.integers(1, 500),
    st.integers(1, 400),
)
@settings(max_examples=100, deadline=None)
def test_a_plan_always_fits_and_never_exceeds_the_request(
    files: list[FilePlan], context: int, text: int, answer: int
) -> None:
    try:
        plan = fitted(*files, context=context, text=text, answer=answer)
    except ValueError:
        least = sum(cost(replace(f, frames=min(f.frames, 4), looks=1, tiles=1)) for f in files)
        assert text + least + min(answer, 32) > context
        return
    assert plan.total + plan.answer_tokens <= context
    assert plan.total == text + sum(cost(file) for file in plan.files)
    for was, now in zip(files, plan.files, strict=True):
        assert now.frames <= was.frames
        assert now.looks <= was.looks
        assert now.frames >= min(was.frames, MIN_FRAMES)
        if now.frames < was.frames:
            assert any(f"{now.frames} frames instead of {was.frames}" in n for n in plan.notes)


def test_counted_tiles_are_the_tiles_of_the_processor() -> None:
    import numpy as np

    for width, height in ((100, 100), (200, 300), (31, 400), (640, 480)):
        plan = fitted(replace(page(), size=(width, height)))
        cut = tile_image(np.zeros((height, width, 3), np.uint8), 6, 32)
        assert plan.files[0].tiles == len(cut)


@pytest.mark.parametrize(
    ("duration", "num_frames", "expected"),
    [
        (3.0, 75, 6),  # two per second
        (0.5, 12, 4),  # at least four,
        (0.1, 3, 3),  # unless the video has fewer
        (3600.0, 90000, 16),  # at most the model's default
        (0.0, 0, 16),  # length unknown
    ],
)
def test_frames_follow_from_the_length_of_the_video(
    duration: float, num_frames: int, expected: int
) -> None:
    request, notes = requested(info(duration, num_frames), PROMPT, Settings())
    assert (request.frames, notes) == (expected, [])


def test_requests_beyond_the_video_or_the_model_are_capped_with_a_note() -> None:
    request, notes = requested(info(10, 250), PROMPT, Settings(num_frames=200))
    assert request.frames == 64
    assert notes == ["clip.mp4: 64 frames instead of 200, the most this model takes."]
    request, notes = requested(info(1, 25), PROMPT, Settings(num_frames=30))
    assert request.frames == 25
    assert notes == ["clip.mp4: 25 frames instead of 30, all that the video has."]
    still = replace(info(0, 1), kind="image")
    request, notes = requested(still, PROMPT, Settings(max_tiles=20, looks=2))
    assert (request.max_tiles, request.looks) == (6, 2)
    assert notes == ["clip.mp4: 6 tiles instead of 20, the most this model takes."]
    request, notes = requested(still, PROMPT, Settings(looks=10**9))
    assert request.looks == MAX_LOOKS
    assert notes == ["clip.mp4: 64 looks instead of 1000000000, the most at a picture."]
    many = replace(PROMPT, looks=80)  # of a model that always takes more
    assert requested(still, many, Settings())[0].looks == 80


@pytest.mark.parametrize(
    "wrong",
    [
        {"num_frames": 0},
        {"looks": -1},
        {"max_tiles": 0},
        {"max_new_tokens": 0},
        {"temperature": -1.0},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"temperature": 1e-40},
        {"temperature": 5e-324},
        {"temperature": 1e300},
        {"top_p": 0.0},
        {"top_p": 1e-40},
        {"top_p": float("nan")},
        {"top_p": 2.0},
        {"repetition_penalty": 0.0},
        {"repetition_penalty": 1e-40},
        {"repetition_penalty": 1e300},
        {"seed": -1},
        {"seed": 2**63},
        {"seed": 10**23 - 1},
    ],
)
def test_impossible_settings_are_refused_by_name(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Settings(**wrong)  # type: ignore[arg-type]


def test_refused_settings_name_the_range() -> None:
    with pytest.raises(
        ValueError,
        match=r"^temperature is 1e-40; it must be 0 \(greedy\), or from 0.000001 to 100\.$",
    ):
        Settings(temperature=1e-40)
    with pytest.raises(
        ValueError, match=r"^seed is -1; it must be from 0 to 9223372036854775807\.$"
    ):
        Settings(seed=-1)
    with pytest.raises(ValueError, match=r"^top_p is 2; it must be from 0.000001 to 1\.$"):
        Settings(top_p=2)


@pytest.mark.parametrize("temperature", [1e-6, 1.0, 100.0])
@pytest.mark.parametrize("seed", [0, 2**63 - 1])
def test_settings_at_the_ends_of_their_ranges_answer(temperature: float, seed: int) -> None:
    chosen = Settings(
        temperature=temperature, seed=seed, top_p=1e-6, repetition_penalty=100, max_new_tokens=3
    )
    assistant = tiny_assistant()
    *_, last = assistant.reply(State(), "Hello", settings=chosen)
    assistant.close()
    assert isinstance(last, Finished)
    assert last.usage.new_tokens <= 3


def test_usage_reports_what_a_long_answer_limit_left() -> None:
    assistant = tiny_assistant(context=400)
    planned, *_, last = assistant.reply(State(), "Hello", settings=Settings(max_new_tokens=100_000))
    assistant.close()
    assert isinstance(planned, Planned)
    assert isinstance(last, Finished)
    assert planned.plan.total == last.usage.prompt_tokens
    assert planned.plan.answer_tokens == 400 - last.usage.prompt_tokens
    assert last.usage.new_tokens <= planned.plan.answer_tokens
    assert last.usage.context_left == 400 - last.usage.prompt_tokens - last.usage.new_tokens >= 0
