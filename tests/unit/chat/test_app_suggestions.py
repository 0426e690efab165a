"""Questions to go on with ask only about what an expert is sure of."""

from dataclasses import replace
from pathlib import Path

from fake_assistant import FakeAssistant

from app.chat import stream_chat
from app.frame_strip import Strip
from app.looks import Wanted
from app.suggestions import suggestions
from app.turns import Chat, ChatTurn
from vlm.experts.findings import Findings, Kind, Line, Thing

BOX = (0.1, 0.1, 0.6, 0.6)
CAR = Thing("car", 0.9, BOX, "red")
SIGN = Line("NO PARKING", 0.99, BOX, 0.1)


def asked_about(*frames: Findings) -> list[str]:
    kind = "video" if len(frames) > 1 else "image"
    strip = Strip("a", kind, (b"",) * len(frames), None, findings=frames)
    return suggestions(Chat((ChatTurn("What?", strips=(strip,)),)))


def forgotten(chat: Chat) -> Strip:
    """Returns what is left of a strip when the server has freed its frames."""
    return chat.turns[0].strips[0].without_pictures()


def test_questions_to_go_on_with_follow_what_was_found() -> None:
    *_, view = stream_chat(FakeAssistant(), Chat(), Wanted(0, "read it", (Path("a.png"),)))
    assert suggestions(view.chat) == ["What does the text say?", "What color is the bus?"]
    asked = Chat((*view.chat.turns, ChatTurn("what does  the text say?")))
    assert suggestions(asked) == ["What color is the bus?"]
    asked = Chat((*asked.turns, ChatTurn("Which color is it, and what color is the red bus?")))
    assert suggestions(asked) == []
    assert suggestions(Chat((ChatTurn("Read", strips=(forgotten(view.chat),)),))) == []
    *_, view = stream_chat(FakeAssistant(), Chat(), Wanted(0, "What?", (Path("a.mp4"),)))
    assert suggestions(view.chat)[0] == "What happens first, and what last?"
    assert suggestions(Chat()) == []


def test_nothing_is_asked_about_text_that_the_reader_hardly_believes() -> None:
    assert asked_about(Findings(lines=(SIGN,))) == ["What does the text say?"]
    assert asked_about(Findings(lines=(replace(SIGN, confidence=0.75),))) == []
    assert asked_about(Findings(lines=(replace(SIGN, text="-1"),))) == []


def test_a_color_is_asked_of_one_sure_thing_that_has_one() -> None:
    assert asked_about(Findings(things=(CAR,))) == ["What color is the car?"]
    for things in (
        (replace(CAR, score=0.5),),
        (CAR, CAR),  # of which?
        (replace(CAR, color=""),),
        (replace(CAR, box=(0.1, 0.1, 0.15, 0.15)),),
    ):
        assert asked_about(Findings(things=things)) == []


def test_an_animal_that_the_classifier_does_not_confirm_is_not_asked_about() -> None:
    cat = replace(CAR, name="cat")
    assert asked_about(Findings((Kind("fox squirrel", 0.9),), (cat,))) == []
    assert asked_about(Findings((Kind("cat", 0.9),), (cat,))) == ["What color is the cat?"]


def test_what_passes_in_a_film_for_a_moment_is_not_asked_about() -> None:
    empty = Findings(things=(), lines=())
    assert asked_about(*[empty] * 15, Findings(lines=(SIGN,))) == []
    assert asked_about(*[empty] * 3, Findings(lines=(SIGN,))) == ["What does the text say?"]
