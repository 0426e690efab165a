"""Which worlds there are and how often each is made: the table to change what a model learns."""

from collections.abc import Callable
from dataclasses import dataclass

from data.synthetic import charts, clips, details, events, scenes, texts, unclear
from data.synthetic.dice import Dice
from data.synthetic.world import World


@dataclass(frozen=True)
class Row:
    """A maker, its weight in the two training stages, and its tasks in the scoring set."""

    make: Callable[[Dice], World]
    pretrain: float
    instruct: float
    tasks: tuple[str, ...]


WORLDS = {
    # still pictures
    "single": Row(scenes.single, 18, 12, ("name", "background")),
    "known": Row(scenes.known, 0, 0, ("name-known",)),
    "several": Row(scenes.several, 14, 12, ("colour", "place", "presence")),
    "pair": Row(scenes.pair, 6, 8, ("side", "neighbour")),
    "crowd": Row(scenes.crowd, 10, 10, ("count",)),
    "sizes": Row(scenes.sizes, 2, 4, ("compare",)),
    "grid": Row(details.grid, 2, 5, ("detail",)),
    "odd one": Row(details.odd_one, 2, 3, ("odd",)),
    # writing
    "number": Row(texts.number, 4, 4, ("number",)),
    "word": Row(texts.word, 6, 5, ("word",)),
    "known word": Row(texts.known_word, 0, 0, ("word-known",)),
    "receipt": Row(texts.receipt, 1, 1.5, ("total", "shop")),
    "form": Row(texts.form, 1, 1.5, ("field",)),
    "page": Row(texts.page, 1, 1, ("heading",)),
    "bars": Row(charts.bars, 2, 3, ("tallest", "bars")),
    "pie": Row(charts.pie, 1, 1.5, ("pie",)),
    # clips
    "motion": Row(clips.motion, 11, 9, ("motion",)),
    "stir": Row(clips.stir, 0, 2, ("moves",)),
    "movers": Row(clips.movers, 2, 3, ("movers",)),
    "order": Row(events.order, 8, 7, ("order",)),
    "change": Row(events.change, 1.5, 2, ("change",)),
    "recolour": Row(events.recolour, 1.5, 2, ("recolour",)),
    "appear": Row(events.appear, 1, 1.5, ("appear",)),
    "vanish": Row(events.vanish, 1, 1.5, ("vanish",)),
    "tally": Row(events.tally, 1, 1.5, ("tally",)),
    "scroll": Row(clips.scroll, 1, 1, ("scroll",)),
    # what cannot be known
    "nothing": Row(unclear.nothing, 1, 1.5, ("cannot see",)),
    "unseen": Row(unclear.unseen, 0, 2, ("cannot know",)),
    "absent": Row(unclear.absent, 0, 2, ("absent",)),
}
# Tasks of the scoring set whose turns go by another task's name.
ASKED_AS = {
    "name-known": "name",
    "word-known": "word",
    "cannot see": "cannot",
    "cannot know": "cannot",
}
HELD_TASKS = tuple((task, world) for world, row in WORLDS.items() for task in row.tasks)
