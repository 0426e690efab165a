"""Unanswerable worlds, so that a model learns to say so, and only then."""

from dataclasses import replace

import numpy as np
from PIL import Image, ImageFilter

from data.synthetic.drawing.film import timing
from data.synthetic.language.words import plural
from data.synthetic.makers import scenes, texts
from data.synthetic.rng import WorldRng
from data.synthetic.world import Clip, QAPair, World

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


def nothing(rng: WorldRng) -> World:
    """Noise, darkness or a heavy blur."""
    kind = rng.by_slot(list(REASONS))
    moving = kind != "blur" and rng.chance(0.25)
    fps, num_frames = timing(rng)
    pictures = [_unreadable(rng, kind) for _ in range(num_frames // 4 if moving else 1)]
    media = (
        Clip([pictures[i // 4 % len(pictures)] for i in range(num_frames)], fps)
        if moving
        else pictures[0]
    )
    noun = "video" if moving else "picture"
    answer = f"I can't tell, the {noun} is {REASONS[kind]}."
    thing = rng.thing()
    questions = {
        "name": rng.ask("name"),
        "count": rng.ask("count", xs=plural(thing.name)),
        "place": rng.ask("place", x=thing.name),
        "word": rng.ask("word"),
        "motion": rng.ask("motion", x=thing.name),
    }
    if kind != "blur" and thing.is_shape:
        questions["colour"] = rng.ask("colour", x=thing.name)
    accept = (*CANNOT, "noise", "dark", "blurred", "blurry", "nothing")
    keys = rng.shuffled(list(questions))[:2]
    turns = tuple(QAPair("cannot", questions[key], answer, accept) for key in keys)
    return World(media, answer, turns)


def unseen(rng: WorldRng) -> World:
    """A clear picture and a question that it cannot answer."""
    question = rng.by_slot(("behind", "maker", "when", "owner", "price", "unseen", "beyond"))
    world = rng.pick((scenes.single, texts.word) if question == "maker" else (scenes.single,))(rng)
    name = next((turn.accept[0] for turn in world.turns if turn.task == "name"), "thing")
    text = rng.ask(question, x=name)
    turn = QAPair("cannot", text, "I can't tell from the picture.", CANNOT)
    return replace(world, turns=(turn, *world.turns))


def absent(rng: WorldRng) -> World:
    """A clear picture and a question about an absent thing."""
    world = rng.pick((scenes.single, scenes.several))(rng)
    thing = rng.thing(lambda thing: thing.name.lower() not in world.caption.lower())
    # Elsewhere only shapes are asked for their color; for objects it would reveal the answer.
    text = rng.ask("colour" if thing.is_shape and rng.chance(0.5) else "place", x=thing.name)
    turn = QAPair("absent", text, f"There is no {thing.name}.", ("no", "not", "can not tell"))
    return replace(world, turns=(turn, *world.turns))


def _unreadable(rng: WorldRng, kind: str) -> Image.Image:
    noise = np.random.default_rng(rng.random.getrandbits(32))
    width, height = rng.clip_canvas
    if kind == "noise":
        channels = rng.pick((1, 3))
        pixels = noise.integers(0, 256, (height, width, channels), dtype=np.uint8)
        return Image.fromarray(np.broadcast_to(pixels, (height, width, 3)).copy())
    if kind == "black":
        pixels = noise.integers(0, rng.pick((1, 8, 16)), (height, width, 3), dtype=np.uint8)
        return Image.fromarray(pixels)
    media = rng.pick((scenes.several, texts.word))(rng).media
    assert isinstance(media, Image.Image)
    return media.filter(ImageFilter.GaussianBlur(min(media.size) / rng.between(4.0, 6.0)))
