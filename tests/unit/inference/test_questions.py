"""Parts of a question: stop strings, sections of films, grammars, decisions."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from media_maker import write_video
from tiny import tiny_assistant

from vlm.assistant import Assistant, Decided, Finished, MediaSource, Settings, State, TextDelta
from vlm.inference import planning
from vlm.inference.calibration import Calibration, Example, cross_fitted, expected_error, fit
from vlm.inference.decoding.stop_strings import StopStrings


@pytest.fixture(scope="module")
def assistant() -> Iterator[Assistant]:
    made = tiny_assistant()
    yield made
    made.close()


@settings(deadline=None)
@given(st.text("abc", max_size=30), st.lists(st.text("abc", min_size=1, max_size=4), max_size=3))
def test_stop_strings_cut_where_a_search_of_the_whole_text_would(
    text: str, stops: list[str]
) -> None:
    for size in (1, 2, 5):
        cutter, found = StopStrings(stops), ""
        for start in range(0, len(text), size):
            found += cutter.push(text[start : start + size])
        found += cutter.finish()
        ends = [text.find(stop) for stop in stops if stop in text]
        if not ends:
            assert found == text
        else:  # a stop that comes later in the text may be complete in an earlier piece
            assert cutter.found
            assert text.startswith(found)
            assert not any(stop in found for stop in stops)


def test_a_source_refuses_wishes_that_contradict_each_other() -> None:
    path = Path("clip.mp4")
    for wrong in (
        {"num_frames": 2, "fps": 1.0},
        {"start": 3.0, "end": 2.0},
        {"start": -1.0},
        {"end": math.nan},
        {"frames": (path,), "times": ()},
        {"frames": (path, path), "times": (1.0, 1.0)},
    ):
        with pytest.raises(ValueError, match=r"clip\.mp4"):
            MediaSource(path, **wrong)  # type: ignore[arg-type]


def test_json_of_a_schema_is_all_the_model_can_write(assistant: Assistant) -> None:
    schema = {
        "type": "object",
        "properties": {
            "color": {"enum": ["red", "blue"]},
            "count": {"type": "integer", "minimum": 0, "maximum": 9},
        },
        "required": ["color", "count"],
        "additionalProperties": False,
    }
    for temperature in (0.0, 1.5):
        chosen = Settings(
            max_new_tokens=200,
            schema=json.dumps(schema),
            temperature=temperature,
            seed=1,
            top_p=0.9,
        )
        *_, last = assistant.reply(State(), "What is it?", settings=chosen)
        assert isinstance(last, Finished)
        found = json.loads(last.text)
        assert found["color"] in ("red", "blue")
        assert 0 <= found["count"] <= 9
        assert not last.cut
    with pytest.raises(ValueError, match="schema cannot be used"):
        next(iter(assistant.reply(State(), "What?", settings=Settings(schema='{"type": "x"}'))))


def test_logprobs_are_those_of_the_tokens_and_reach_every_one(assistant: Assistant) -> None:
    chosen = Settings(max_new_tokens=10, num_logprobs=3, stop=("never",))
    events = list(assistant.reply(State(), "What is it?", settings=chosen))
    steps = [entry for e in events if isinstance(e, TextDelta) for entry in e.logprobs]
    last = events[-1]
    assert isinstance(last, Finished)
    assert tuple(entry.token for entry in steps) == last.state.turns[-1].answer_ids
    for entry in steps:
        assert len(entry.top) == 3
        assert entry.logprob <= entry.top[0][1] <= 0


def test_a_decision_is_the_probability_of_its_tokens_in_training(assistant: Assistant) -> None:
    options = ("red", "blue", "blue and red")
    *_, last = assistant.decide(State(), "Which?", options)
    assert isinstance(last, Decided)
    writer, model = assistant.processor.writer, assistant.model.language_model
    conversation = planning.conversation(State(), "Which?")
    prompt = writer.write(conversation, add_generation_prompt=True).ids
    for option, found in zip(options, last.logprobs, strict=True):
        answer = writer.plain(option) + [writer.end_of_turn]
        with torch.inference_mode():
            logits = model(torch.tensor([prompt + answer])).logits[0].float().log_softmax(-1)
        steps = logits[len(prompt) - 1 : -1].gather(1, torch.tensor(answer)[:, None])
        assert found == pytest.approx(float(steps.sum()), abs=1e-3)


def test_a_decision_about_a_section_sees_its_frames_only(
    assistant: Assistant, tmp_path: Path
) -> None:
    clip = write_video(tmp_path / "clip.mp4", 40, fps=10, size=(64, 48))
    source = MediaSource(clip, start=1.0, end=2.0, num_frames=3)
    *_, last = assistant.decide(State(), "Is it?", ("Yes", "No"), [source])
    assert isinstance(last, Decided)
    assert [1.0 <= time <= 2.0 for time in last.seen[0].times or ()] == [True] * 3
    for wrong in ((), ("Yes",), ("Yes", "Yes"), ("Yes", " ")):
        with pytest.raises(ValueError, match="option"):
            list(assistant.decide(State(), "Is it?", wrong))


def test_a_calibration_finds_the_temperature_and_the_bias_that_were_put_in() -> None:
    """Answers drawn from known probabilities; the model is three times too sure and likes "No"."""
    generator = torch.Generator().manual_seed(0)
    examples = []
    for _ in range(600):
        true = torch.randn(2, generator=generator)
        right = int(torch.multinomial(true.softmax(-1), 1, generator=generator))
        said = 3 * true + torch.tensor([0.0, 2.0])
        examples.append(Example(("Yes", "No"), tuple(said.log_softmax(-1).tolist()), right))
    calibration = fit(examples)
    assert calibration.temperature == pytest.approx(3, rel=0.25)
    assert calibration.bias["Yes"] - calibration.bias["No"] == pytest.approx(2, abs=0.8)
    truth = [example.right for example in examples]
    before = [Calibration().probabilities(e.options, e.logprobs) for e in examples]
    assert expected_error(cross_fitted(examples), truth) < 0.5 * expected_error(before, truth)
    with pytest.raises(ValueError, match="too few"):
        fit(examples[:5])


def test_a_calibration_comes_back_from_its_file(tmp_path: Path) -> None:
    kept = Calibration(1.5, {"Yes": 0.25, "No": -0.25})
    kept.save(tmp_path / "c.json")
    assert Calibration.load(tmp_path / "c.json") == kept
    assert sum(kept.probabilities(("Yes", "No"), (-0.1, -3.0))) == pytest.approx(1)
    (tmp_path / "d.json").write_text('{"temperature": 0, "bias": {}}')
    with pytest.raises(ValueError, match=r"d\.json is not a calibration"):
        Calibration.load(tmp_path / "d.json")
