"""Which worlds there are and how often each is made: the table to change what a model learns."""

from collections.abc import Callable
from dataclasses import dataclass

from data.synthetic.dice import Dice
from data.synthetic.makers import charts, clips, details, events, scenes, texts, unclear
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
    "single": Row(scenes.single, 14, 8, ("name", "background")),
    "known": Row(scenes.known, 0, 0, ("name-known",)),
    "several": Row(scenes.several, 18, 28, ("colour", "place", "presence")),
    "pair": Row(scenes.pair, 5, 18, ("side", "neighbour")),
    "crowd": Row(scenes.crowd, 18, 14, ("count",)),
    "sizes": Row(scenes.sizes, 2, 3, ("compare",)),
    "grid": Row(details.grid, 4, 3, ("detail",)),
    "jumble": Row(details.jumble, 7, 4, ("small",)),
    "odd one": Row(details.odd_one, 1, 1, ("odd",)),
    # writing
    "number": Row(texts.number, 3, 1, ("number",)),
    "word": Row(texts.word, 3, 1, ("word",)),
    "known word": Row(texts.known_word, 0, 0, ("word-known",)),
    "receipt": Row(texts.receipt, 0.5, 0.4, ("total", "shop")),
    "form": Row(texts.form, 0.5, 0.4, ("field",)),
    "page": Row(texts.page, 0.5, 0.3, ("heading",)),
    "bars": Row(charts.bars, 1, 1, ("tallest", "bars")),
    "pie": Row(charts.pie, 0.5, 0.5, ("pie",)),
    # clips
    "motion": Row(clips.motion, 13, 18, ("motion",)),
    "stir": Row(clips.stir, 0, 4, ("moves",)),
    "movers": Row(clips.movers, 4, 4, ("movers",)),
    "order": Row(events.order, 8, 16, ("order",)),
    "change": Row(events.change, 1.5, 5, ("change",)),
    "recolour": Row(events.recolour, 1.5, 4, ("recolour",)),
    "appear": Row(events.appear, 1, 2, ("appear",)),
    "vanish": Row(events.vanish, 1, 2, ("vanish",)),
    "tally": Row(events.tally, 1, 2, ("tally",)),
    "scroll": Row(clips.scroll, 0.5, 0.5, ("scroll",)),
    # what cannot be known
    "nothing": Row(unclear.nothing, 1, 2.5, ("cannot see",)),
    "unseen": Row(unclear.unseen, 0, 5, ("cannot know",)),
    "absent": Row(unclear.absent, 0, 8, ("absent",)),
}
# Tasks of the scoring set whose turns go by another task's name.
ASKED_AS = {
    "name-known": "name",
    "word-known": "word",
    "cannot see": "cannot",
    "cannot know": "cannot",
}
HELD_TASKS = tuple((task, world) for world, row in WORLDS.items() for task in row.tasks)
