"""The mix of worlds, turns and files; a seed always gives the same examples."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import YES, Example, Exchange, Turn
from data.embedded.findings.films import changes as film_changes
from data.embedded.findings.films import contents as film_contents
from data.embedded.findings.films import recordings
from data.embedded.findings.films.film import make_film
from data.embedded.findings.films.recording import make_recording
from data.embedded.findings.pages.page import ReadPage
from data.embedded.findings.pages.questions import make_page, page_exchange, price_follow_up
from data.embedded.findings.phrasings.scenes import SCENES
from data.embedded.findings.prompt import picture_words, user_text
from data.embedded.findings.scenes import details as scene_details
from data.embedded.findings.scenes import equipped, guesses, people, settings, single_things, unsure
from data.embedded.findings.scenes import questions as scene_questions
from data.embedded.findings.scenes.equipped import make_equipped
from data.embedded.findings.scenes.scene import THEMES, Scene, make_scene
from data.embedded.findings.scenes.setting import make_setting
from data.embedded.findings.scenes.single_things import make_single
from data.embedded.findings.scenes.unsure import make_unsure
from data.embedded.findings.talk import claims
from data.embedded.findings.talk.general import knowledge, remembered
from data.embedded.findings.talk.itself import about_itself
from data.embedded.findings.talk.several import several_files
from vlm.experts.findings import Findings

S = TypeVar("S")
SEVERAL_TURNS = 0.5
TRIES = 60
WEIGHTS = {  # of each world
    **{"scene": 21.0, "people": 12.0, "equipped": 4.0, "single": 12.0, "setting": 6.0},
    **{"page": 29.0, "film": 6.0, "recording": 13.0, "several": 4.0, "itself": 7.5},
    **{"bad picture": 1.0, "beside": 2.5, "unsure": 2.5},
}
SCENE = (*scene_questions.ASKERS, *scene_details.ASKERS, *claims.ASKERS, *guesses.ASKERS)
PEOPLE = (*people.ASKERS, *guesses.ASKERS)


def examples(num: int, seed: int, held: bool = False) -> Iterator[Example]:
    """Yields `num` examples; those of scoring (`held`) have other names and phrasings."""
    for index in range(num):
        yield example(index, seed, held)


def example(index: int, seed: int, held: bool = False) -> Example:
    """The example of an index; it does not depend on the others."""
    d = Draw(f"findings {'held' if held else 'train'} {seed} {index}", held)
    worlds = list(WEIGHTS)
    while True:
        world = d.random.choices(worlds, list(WEIGHTS.values()))[0]
        turns = MAKERS[world](d)
        if turns:
            return Example(world, tuple(turns))


def _conversation(
    d: Draw,
    thing: S,
    words: str,
    askers: Sequence[tuple[Callable[[Draw, S], Exchange | None], float]],
    follow_ups: Sequence[tuple[Callable[[Draw, S], Exchange | None], float]] = (),
) -> list[Turn]:
    """One question about a file, or some, no question twice."""
    num = d.whole(2, 4) if d.chance(SEVERAL_TURNS) else 1
    found: list[Exchange] = []
    for _ in range(TRIES):
        pool = follow_ups if found and follow_ups and d.chance(0.5) else askers
        asker = d.random.choices([a for a, _ in pool], [w for _, w in pool])[0]
        exchange = asker(d, thing)
        if exchange and all(exchange.answer != other.answer for other in found):
            found.append(exchange)
        if len(found) == num:
            break
    if len(found) > 1 and d.chance(0.1):
        found.append(knowledge(d))
    return [Turn(x, (words,) if i == 0 else ()) for i, x in enumerate(found)]


def _scene(d: Draw) -> list[Turn]:
    scene = make_scene(d)
    if not scene.things:
        return []
    return _conversation(d, scene, picture_words(scene.findings), SCENE, claims.FOLLOW_UPS)


def _people(d: Draw) -> list[Turn]:
    scene = make_scene(d, with_people=d.chance(0.75))
    return _conversation(d, scene, picture_words(scene.findings), PEOPLE, claims.FOLLOW_UPS)


def _equipped(d: Draw) -> list[Turn]:
    one = make_equipped(d)
    return _conversation(d, one, picture_words(one.findings), equipped.ASKERS)


def _single(d: Draw) -> list[Turn]:
    single = make_single(d)
    after = (
        (claims.single_claim, 6.0),
        (claims.these_are, 3.0),
        (single_things.is_a, 2.0),
        (single_things.unseen, 1.0),
    )
    return _conversation(d, single, picture_words(single.findings), single_things.ASKERS, after)


def _page(d: Draw) -> list[Turn]:
    read = make_page(d)
    turns = _conversation(d, read, read.text, ((_page_question, 1.0),))
    last = turns[-1].exchange if turns else None
    if last and last.support and last.support[0] and not last.honest and d.chance(0.1):
        said = last.support[0].replace(" | ", " ")
        question, answer = d.ask(SCENES, "sure"), f'Yes, I read "{said}".'
        turns.append(Turn(Exchange("followup", question, answer, (YES,))))
        return turns
    if last and turns[-1].files and "cost" in last.answer + last.question and d.chance(0.4):
        exchange = price_follow_up(d, read, last)
        if exchange:
            turns.append(Turn(replace(exchange, kind="followup")))
    return turns


def _page_question(d: Draw, read: ReadPage) -> Exchange | None:
    return page_exchange(d, read)


def _film(d: Draw) -> list[Turn]:
    film = make_film(d)
    return _conversation(d, film, film.words, (*film_changes.ASKERS, *film_contents.ASKERS))


def _recording(d: Draw) -> list[Turn]:
    film = make_recording(d)
    return _conversation(d, film, film.words, recordings.ASKERS)


def _setting(d: Draw) -> list[Turn]:
    one = make_setting(d)
    return _conversation(d, one, picture_words(one.findings), settings.ASKERS)


def _unsure(d: Draw) -> list[Turn]:
    scene = make_unsure(d)
    return _conversation(d, scene, picture_words(scene.findings), unsure.ASKERS)


def _beside(d: Draw) -> list[Turn]:
    """A general question, or one about Revisit, while a picture is there."""
    files = (picture_words(make_scene(d).findings), make_page(d).text, make_recording(d).words)
    exchange = knowledge(d)
    if d.chance(0.3):
        exchange = about_itself(d, with_file=True)
    return [Turn(exchange, (d.pick(files),))]


def _bad_picture(d: Draw) -> list[Turn]:
    """Blurred or dark, and nothing found."""
    blurred = d.chance(0.5)
    dark = not blurred or d.chance(0.3)
    color = d.pick(("black", "gray", "brown"))
    findings = Findings((), (), (), color, blurred=blurred, dark=dark)
    scene = Scene(findings, d.pick(THEMES))
    return _conversation(d, scene, picture_words(findings), ((claims.dark_or_blurred, 1.0),))[:1]


def _itself(d: Draw) -> list[Turn]:
    if d.chance(0.08):
        first, second = remembered(d)
        middle = [Turn(knowledge(d))] if d.chance(0.5) else []
        return [Turn(first), *middle, Turn(second)]
    if d.chance(0.2):
        return [Turn(knowledge(d))]
    turns = [Turn(about_itself(d))]
    if d.chance(SEVERAL_TURNS):
        turns.append(Turn(about_itself(d)))
    return turns


MAKERS: dict[str, Callable[[Draw], list[Turn]]] = {
    **{
        "scene": _scene,
        "people": _people,
        "equipped": _equipped,
        "single": _single,
        "page": _page,
        "film": _film,
        "recording": _recording,
        "beside": _beside,
        "unsure": _unsure,
        "setting": _setting,
    },
    **{"several": several_files, "itself": _itself, "bad picture": _bad_picture},
}


def example_to_json(
    example: Example, identity: str, content: Callable[[Turn], Any] = user_text
) -> dict[str, Any]:
    """The JSONL line of data/records.py; `grade` has the patterns of each answer.

    `content` gives the content of a user's message: the words as text, or media that have them.
    """
    messages: list[dict[str, Any]] = []
    for turn in example.turns:
        messages.append({"role": "user", "content": content(turn)})
        messages.append({"role": "assistant", "content": turn.exchange.answer})
    exchanges = [turn.exchange for turn in example.turns]
    return {
        "id": identity,
        "messages": messages,
        "task": [x.kind for x in exchanges],
        "grade": [{"right": x.right, "wrong": x.wrong, "honest": x.honest} for x in exchanges],
    }
