"""The source of randomness of a maker of worlds: a seeded generator, assets and wording.

`slot` selects which of the possible answers a record has. It is random in training and counts up in
the scoring set, so that every answer of a task occurs equally often.
"""

import random
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TypeVar

from data.synthetic.drawing.assets import Assets, Thing
from data.synthetic.drawing.shapes import COLORS, Rgb, is_held_combination
from data.synthetic.language.wording import QUESTIONS

T = TypeVar("T")


class WorldRng:
    """All random choices of one record.

    `assets` belong to the record's split. `train_assets` are those of training; scoring also uses
    them for questions that do not ask for a name.
    """

    def __init__(
        self, seed: str, slot: int | None, held: bool, assets: Assets, train_assets: Assets
    ) -> None:
        self.random = random.Random(seed)
        self.slot = self.random.randrange(10**6) if slot is None else slot
        self.held = held
        self.assets = assets
        self.train_assets = train_assets

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def pick(self, options: Sequence[T]) -> T:
        return self.random.choice(options)

    def by_slot(self, options: Sequence[T]) -> T:
        """Selects an option by slot, which balances the answers of the scoring set."""
        return options[self.slot % len(options)]

    def between(self, low: float, high: float) -> float:
        return self.random.uniform(low, high)

    def shuffled(self, items: Sequence[T]) -> list[T]:
        return self.random.sample(items, len(items))

    def ask(self, question: str, **words: str | int) -> str:
        return self.pick(QUESTIONS[self.held][question]).format(**words)

    def rgb(self, thing: Thing) -> Rgb:
        """Returns a slightly varied color for a shape; unused for objects."""
        red, green, blue = COLORS.get(thing.color, (0, 0, 0))
        jitter = [self.random.randint(-12, 12) for _ in range(3)]
        r, g, b = (
            min(255, max(0, value + d)) for value, d in zip((red, green, blue), jitter, strict=True)
        )
        return r, g, b

    @cached_property
    def canvas(self) -> tuple[int, int]:
        """Width and height of a still picture."""
        sizes = ((256, 256), (320, 320), (320, 256), (256, 320), (384, 288), (288, 384), (320, 240))
        return self.pick(sizes)

    @cached_property
    def clip_canvas(self) -> tuple[int, int]:
        """Width and height of a clip."""
        return self.pick(((256, 256), (256, 256), (288, 224), (224, 288), (320, 240)))

    # Things

    def shape(self, allowed: Callable[[Thing], bool] = lambda thing: True) -> Thing:
        """Picks a shape; in scoring, half have a color that training never combined with them."""
        pools = [self.assets.shapes, self.train_assets.shapes]
        if not self.held or self.chance(0.5):
            pools.reverse()
        for pool in pools:
            fitting = [thing for thing in pool if allowed(thing)]
            if fitting:
                return self.pick(fitting)
        raise ValueError("no shape satisfies `allowed`")

    def object(
        self, allowed: Callable[[Thing], bool] = lambda thing: True, own: bool = False
    ) -> Thing | None:
        """Picks an object, None without assets.

        With `own` it belongs to the split (in scoring: held out); otherwise scoring picks two
        thirds from the objects of training.
        """
        known = self.held and not own and self.chance(0.67)
        pools = (self.train_assets if known else self.assets).objects
        for _ in range(20 if pools else 0):
            thing = self.pick(self.pick(pools))
            if allowed(thing):
                return thing
        return None

    def thing(self, allowed: Callable[[Thing], bool] = lambda thing: True) -> Thing:
        """Picks a shape, or an object that fits into sentences."""
        chosen = None
        if self.chance(0.4):
            chosen = self.object(lambda thing: thing.fits_sentences and allowed(thing))
        return chosen or self.shape(allowed)

    def things(self, num: int, *given: Thing) -> list[Thing]:
        """Adds new things to the given ones, `num` in total, none confusable with another."""
        chosen = list(given)
        while len(chosen) < num:
            chosen.append(self.thing(lambda thing: self.differs(thing, chosen)))
        return chosen

    def other_color(self, shape: Thing) -> str:
        """Picks another color for a shape among those allowed in this split."""
        allowed = [c for c in COLORS if self.held or not is_held_combination(shape.name, c)]
        return self.pick([color for color in allowed if color != shape.color])

    def absent(self, present: Sequence[Thing]) -> Thing:
        """Picks a thing that is absent and not confusable with a present one."""
        return self.thing(lambda thing: self.differs(thing, present))

    @staticmethod
    def differs(thing: Thing, others: Sequence[Thing]) -> bool:
        for other in others:
            if set(thing.name.lower().split()) & set(other.name.lower().split()):
                return False
            if thing.is_shape and other.is_shape:
                if thing.color == other.color:
                    return False
            elif thing.category == other.category:
                return False
        return True

    def refer(self, thing: Thing) -> str:
        """Returns a thing's name, sometimes with the color of a shape."""
        return thing.label if self.chance(0.3) else thing.name
