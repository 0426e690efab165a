"""Worlds that cannot be answered, so that a model learns to say so, and to say so only then."""

from dataclasses import replace

import numpy as np
from PIL import Image, ImageFilter

from data.synthetic.dice import Dice
from data.synthetic.drawing.film import timing
from data.synthetic.language.words import plural
from data.synthetic.makers import scenes, texts
from data.synthetic.world import Clip, Turn, World

CANNOT = (
    *(
        "can not tell",
        "can not see",
        "can not say",
        "can not be seen",
        "can not know",
        "can not read",
    ),
    *(
        "not sure",
        "not know",
        "not possible",
        "not visible",
        "not clear",
        "unclear",
        "unable",
        "impossible",
    ),
)
REASONS = {"noise": "only noise", "black": "black", "blur": "too blurred"}


def nothing(dice: Dice) -> World:
    """Noise, darkness or a heavy blur."""
    kind = dice.by_slot(list(REASONS))
    moving = kind != "blur" and dice.chance(0.25)
    fps, num_frames = timing(dice)
    pictures = [_spoilt(dice, kind) for _ in range(num_frames // 4 if moving else 1)]
    media = (
        Clip([pictures[i // 4 % len(pictures)] for i in range(num_frames)], fps)
        if moving
        else pictures[0]
    )
    noun = "video" if moving else "picture"
    answer = f"I can't tell, the {noun} is {REASONS[kind]}."
    thing = dice.thing()
    asked = {
        "name": dice.ask("name"),
        "count": dice.ask("count", xs=plural(thing.name)),
        "place": dice.ask("place", x=thing.name),
        "word": dice.ask("word"),
        "motion": dice.ask("motion", x=thing.name),
    }
    if kind != "blur" and thing.is_shape:
        asked["colour"] = dice.ask("colour", x=thing.name)
    accept = (*CANNOT, "noise", "dark", "blurred", "blurry", "nothing")
    keys = dice.shuffled(list(asked))[:2]
    turns = tuple(Turn("cannot", asked[key], answer, accept) for key in keys)
    return World(media, answer, turns)


def unseen(dice: Dice) -> World:
    """A clear picture and a question that it does not answer."""
    question = dice.by_slot(("behind", "maker", "when", "owner", "price", "unseen", "beyond"))
    world = dice.pick((scenes.single, texts.word) if question == "maker" else (scenes.single,))(
        dice
    )
    shown = next((turn.accept[0] for turn in world.turns if turn.task == "name"), "thing")
    text = dice.ask(question, x=shown)
    turn = Turn("cannot", text, "I can't tell from the picture.", CANNOT)
    return replace(world, turns=(turn, *world.turns))


def absent(dice: Dice) -> World:
    """A clear picture and a question about a thing that is not there."""
    world = dice.pick((scenes.single, scenes.several))(dice)
    thing = dice.thing(lambda thing: thing.name.lower() not in world.caption.lower())
    # Elsewhere, colours are only asked of shapes; asked of objects it would give the answer away.
    text = dice.ask("colour" if thing.is_shape and dice.chance(0.5) else "place", x=thing.name)
    turn = Turn("absent", text, f"There is no {thing.name}.", ("no", "not", "can not tell"))
    return replace(world, turns=(turn, *world.turns))


def _spoilt(dice: Dice, kind: str) -> Image.Image:
    noise = np.random.default_rng(dice.random.getrandbits(32))
    width, height = dice.clip_canvas
    if kind == "noise":
        channels = dice.pick((1, 3))
        pixels = noise.integers(0, 256, (height, width, channels), dtype=np.uint8)
        return Image.fromarray(np.broadcast_to(pixels, (height, width, 3)).copy())
    if kind == "black":
        pixels = noise.integers(0, dice.pick((1, 8, 16)), (height, width, 3), dtype=np.uint8)
        return Image.fromarray(pixels)
    media = dice.pick((scenes.several, texts.word))(dice).media
    assert isinstance(media, Image.Image)
    return media.filter(ImageFilter.GaussianBlur(min(media.size) / dice.between(4.0, 6.0)))
