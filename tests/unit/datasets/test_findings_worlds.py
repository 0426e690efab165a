"""Findings records by world: an answer names only what the words state, a guess is called one."""

import re

import pytest

from data.embedded.findings.draw import Draw
from data.embedded.findings.examples import MAKERS
from data.embedded.findings.exchange import HONEST, Exchange, Turn
from data.embedded.findings.films.recording import make_recording
from data.embedded.findings.films.recordings import describe, doing, riding
from data.embedded.findings.pages.bills import craft_bill, two_columns
from data.embedded.findings.pages.page import fact_exchange
from data.embedded.findings.pages.questions import make_page
from data.embedded.findings.prompt import picture_words, user_text
from data.embedded.findings.scenes.guesses import detail
from data.embedded.findings.scenes.scene import make_scene
from data.embedded.findings.scenes.setting import make_setting
from data.embedded.findings.scenes.settings import place
from data.embedded.findings.scenes.unsure import ASKERS, make_unsure
from data.embedded.findings.talk.several import several_files
from data.embedded.findings.words import plural_of
from vlm.experts.detection.coco import CLASSES

NUM = 300
EVERYDAY = ("orange", "clock", "book", "person", "tie", "kite", "bear", "bed", "car", "bird")
NAMED = [name for name in CLASSES if name not in EVERYDAY]  # words with other senses


def _honest(exchange: Exchange) -> bool:
    return bool(re.search(HONEST, exchange.answer, re.IGNORECASE))


def _turns(world: str) -> list[Turn]:
    made = (MAKERS[world](Draw(f"{world} {i}")) for i in range(NUM))
    return [turn for turns in made for turn in turns[:1]]


@pytest.mark.parametrize("world", ["scene", "people", "unsure", "setting", "recording"])
def test_things_of_an_answer_stand_in_the_words_or_the_question(world: str) -> None:
    for turn in _turns(world):
        known = user_text(turn)
        for name in NAMED:
            named = re.search(rf"\b({name}|{plural_of(name)})\b", turn.exchange.answer)
            if named and not name.startswith("sports"):
                assert name in known or plural_of(name) in known, (known, turn.exchange.answer)


def test_where_everything_is_a_guess_every_answer_is_one() -> None:
    for i in range(NUM):
        d = Draw(f"unsure {i}")
        scene = make_unsure(d)
        assert not scene.things
        for asker, _ in ASKERS:
            exchange = asker(d, scene)
            assert exchange is None or exchange.honest, exchange


def test_a_place_is_stated_where_the_kind_is_sure_and_guessed_where_it_is_not() -> None:
    for i in range(NUM):
        d = Draw(f"place {i}")
        setting = make_setting(d)
        exchange = place(d, setting)
        if not setting.named:
            assert _honest(exchange), exchange
        elif setting.sure:
            assert not exchange.answer.startswith("Perhaps"), exchange


def test_what_somebody_wears_beyond_a_color_is_neither_affirmed_nor_denied() -> None:
    for i in range(NUM):
        d = Draw(f"detail {i}")
        scene = make_scene(d, with_people=True)
        exchange = detail(d, scene)
        if exchange and scene.people:
            assert _honest(exchange), exchange
            assert not re.match(r"(yes|no)\b", exchange.answer, re.IGNORECASE)


def test_a_recording_in_which_nothing_lasts_is_not_told_as_a_story() -> None:
    thin = 0
    for i in range(NUM):
        d = Draw(f"thin {i}")
        recording = make_recording(d)
        if not recording.lasting:
            thin += 1
            assert _honest(describe(d, recording))
    assert thin > 10


def test_a_ride_that_comes_and_goes_is_called_a_guess() -> None:
    for i in range(NUM):
        d = Draw(f"ride {i}")
        recording = make_recording(d)
        exchange = riding(d, recording)
        if exchange and "Gone: 1" in recording.words and not recording.pairs:
            assert _honest(exchange), exchange


def test_an_action_in_a_recording_is_the_one_that_the_words_conclude() -> None:
    for i in range(NUM):
        d = Draw(f"doing {i}")
        recording = make_recording(d)
        exchange = doing(d, recording)
        if exchange and exchange.answer.startswith(("The person seems", "It looks like")):
            stated = re.search(r"\bDoing: ([^.]*)\.", recording.words.split("\n")[-1])
            assert stated, recording.words
            assert stated[1] in exchange.answer, (recording.words, exchange)


@pytest.mark.parametrize("maker", [two_columns, craft_bill])
def test_the_amount_to_pay_is_the_last_one_or_was_not_read(maker: object) -> None:
    for i in range(60):
        d = Draw(f"bill {i}")
        read = make_page(d, maker)
        total = next((f for f in read.page.facts if f.about == "total"), None)
        if total is None:
            continue
        exchange = fact_exchange(d, read, total)
        assert exchange
        if total.support and read.holds(total.support):
            assert total.value in exchange.answer
            row = next(r.text for r in read.page.rows if total.support[0] in r.text)
            assert row == [r.text for r in read.page.rows if total.value in r.text][-1]
        else:
            assert _honest(exchange)


def test_of_two_files_the_one_that_is_asked_for_holds_it() -> None:
    found = 0
    for i in range(NUM):
        turns = several_files(Draw(f"two {i}"))
        if len(turns) == 1 and (match := re.match(r"The (first|second)", turns[0].exchange.answer)):
            if " shows " in turns[0].exchange.answer and "the second" in turns[0].exchange.answer:
                continue
            found += 1
            assert len(turns[0].files) == 2
            assert match[1] in ("first", "second")
    assert found > 10


def test_answers_do_not_depend_on_what_other_makers_drew() -> None:
    first = [picture_words(make_setting(Draw(str(i))).findings) for i in range(5)]
    assert first == [picture_words(make_setting(Draw(str(i))).findings) for i in range(5)]
