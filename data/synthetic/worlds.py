"""The table of worlds and their frequencies; edit it to change what a model learns."""

from collections.abc import Callable
from dataclasses import dataclass

from data.synthetic.makers import charts, clips, details, events, scenes, texts, unclear
from data.synthetic.rng import WorldRng
from data.synthetic.world import World


@dataclass(frozen=True)
class WorldEntry:
    """A maker, its weights in the two training stages, and its tasks in the scoring set."""

    make: Callable[[WorldRng], World]
    pretrain: float
    instruct: float
    tasks: tuple[str, ...]


WORLDS = {
    # still pictures
    "single": WorldEntry(scenes.single, 14, 8, ("name", "background")),
    "known": WorldEntry(scenes.known, 0, 0, ("name-known",)),
    "several": WorldEntry(scenes.several, 18, 28, ("colour", "place", "presence")),
    "pair": WorldEntry(scenes.pair, 5, 18, ("side", "neighbour")),
    "crowd": WorldEntry(scenes.crowd, 18, 14, ("count",)),
    "sizes": WorldEntry(scenes.sizes, 2, 3, ("compare",)),
    "grid": WorldEntry(details.grid, 4, 3, ("detail",)),
    "jumble": WorldEntry(details.jumble, 7, 4, ("small",)),
    "odd one": WorldEntry(details.odd_one, 1, 1, ("odd",)),
    # writing
    "number": WorldEntry(texts.number, 3, 1, ("number",)),
    "word": WorldEntry(texts.word, 3, 1, ("word",)),
    "known word": WorldEntry(texts.known_word, 0, 0, ("word-known",)),
    "receipt": WorldEntry(texts.receipt, 0.5, 0.4, ("total", "shop")),
    "form": WorldEntry(texts.form, 0.5, 0.4, ("field",)),
    "page": WorldEntry(texts.page, 0.5, 0.3, ("heading",)),
    "bars": WorldEntry(charts.bars, 1, 1, ("tallest", "bars")),
    "pie": WorldEntry(charts.pie, 0.5, 0.5, ("pie",)),
    # clips
    "motion": WorldEntry(clips.motion, 13, 18, ("motion",)),
    "stir": WorldEntry(clips.stir, 0, 4, ("moves",)),
    "movers": WorldEntry(clips.movers, 4, 4, ("movers",)),
    "order": WorldEntry(events.order, 8, 16, ("order",)),
    "change": WorldEntry(events.change, 1.5, 5, ("change",)),
    "recolour": WorldEntry(events.recolor, 1.5, 4, ("recolour",)),
    "appear": WorldEntry(events.appear, 1, 2, ("appear",)),
    "vanish": WorldEntry(events.vanish, 1, 2, ("vanish",)),
    "tally": WorldEntry(events.tally, 1, 2, ("tally",)),
    "scroll": WorldEntry(clips.scroll, 0.5, 0.5, ("scroll",)),
    # unanswerable
    "nothing": WorldEntry(unclear.nothing, 1, 2.5, ("cannot see",)),
    "unseen": WorldEntry(unclear.unseen, 0, 5, ("cannot know",)),
    "absent": WorldEntry(unclear.absent, 0, 8, ("absent",)),
}
# Tasks of the scoring set whose questions carry another task's name.
TASK_OF_TURN = {
    "name-known": "name",
    "word-known": "word",
    "cannot see": "cannot",
    "cannot know": "cannot",
}
HELD_TASKS = tuple((task, world) for world, row in WORLDS.items() for task in row.tasks)
