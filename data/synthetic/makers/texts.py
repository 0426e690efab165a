"""Worlds of writing: a big number, a big word, simple documents."""

from PIL import Image, ImageDraw

from data.synthetic.drawing.canvas import write_text
from data.synthetic.drawing.shapes import COLORS, Rgb
from data.synthetic.language.words import CITIES, GOODS, PEOPLE, WORDS, an, sentence
from data.synthetic.rng import WorldRng
from data.synthetic.world import QAPair, World

INK: Rgb = (25, 25, 30)
PAPERS: tuple[Rgb, ...] = ((255, 255, 255), (250, 248, 240), (244, 246, 250))


def number(rng: WorldRng) -> World:
    """A big number of one to four digits."""
    num_digits = rng.by_slot((1, 2, 3, 4))
    low = 10 ** (num_digits - 1) if num_digits > 1 else 0
    text = str(rng.random.randint(low, 10**num_digits - 1))
    picture, turns = _poster(rng, text)
    answer = QAPair("number", rng.ask("number"), sentence(f"the number is {text}"), (text,))
    return World(picture, sentence(f"the number {text}"), (answer, *turns))


def word(rng: WorldRng) -> World:
    """A big word; scoring uses words that training never has."""
    return _one_word(rng, rng.pick(WORDS[rng.held]))


def known_word(rng: WorldRng) -> World:
    """A big word from training; in scoring only its font is new."""
    return _one_word(rng, rng.pick(WORDS[False]))


def _one_word(rng: WorldRng, text: str) -> World:
    written = rng.pick((text, text.upper(), text.upper(), text.capitalize()))
    picture, turns = _poster(rng, written)
    answer = QAPair("word", rng.ask("word"), sentence(f"the word is {text}"), (text,))
    return World(picture, sentence(f"the word {text}"), (answer, *turns))


def poster_colors(rng: WorldRng) -> tuple[str, str]:
    """Picks the names of a background color and of a legible text color."""
    light = ("white", "white", "yellow", "orange")
    dark = ("black", "black", "blue", "red", "purple", "green")
    pair = [rng.pick(light), rng.pick(dark)]
    if pair[0] == "orange" and pair[1] in ("red", "green"):
        pair[0] = "white"
    return (pair[0], pair[1]) if rng.chance(0.65) else (pair[1], pair[0])


def _poster(rng: WorldRng, text: str) -> tuple[Image.Image, list[QAPair]]:
    paper, ink = poster_colors(rng)
    picture = Image.new("RGB", rng.canvas, COLORS[paper])
    width = min(0.92, rng.between(0.16, 0.26) * len(text))
    height = rng.between(0.3, 0.55)
    left = rng.between(0.04, 0.96 - width)
    top = rng.between(0.04, 0.96 - height)
    box = (left, top, left + width, top + height)
    write_text(picture, text, rng.pick(rng.assets.fonts), box, COLORS[ink])
    ground = QAPair("background", rng.ask("background"), sentence(f"it is {paper}"), (paper,))
    return picture, [ground] if rng.chance(0.3) else []


def receipt(rng: WorldRng) -> World:
    """A till receipt with a shop name, two or three goods and the total."""
    picture, font = _paper(rng)
    shop = rng.pick(WORDS[rng.held]).capitalize()
    goods = rng.random.sample(GOODS, rng.pick((2, 3)))
    cents = [rng.random.randint(1, 19) * 50 for _ in goods]
    total = f"{sum(cents) / 100:.2f}"
    write_text(picture, shop.upper(), font, (0.12, 0.05, 0.88, 0.22), INK)
    for i, (item, price) in enumerate(zip(goods, cents, strict=True)):
        top = 0.29 + 0.13 * i
        write_text(picture, item, font, (0.08, top, 0.6, top + 0.09), INK, "left")
        write_text(picture, f"{price / 100:.2f}", font, (0.6, top, 0.92, top + 0.09), INK, "right")
    _rule(picture, 0.7)
    write_text(picture, "TOTAL", font, (0.08, 0.76, 0.44, 0.92), INK, "left")
    write_text(picture, total, font, (0.5, 0.74, 0.92, 0.94), INK, "right")
    turns = (
        QAPair("total", rng.ask("total"), sentence(f"the total is {total}"), (total,)),
        QAPair("shop", rng.ask("shop"), sentence(f"the shop is {shop}"), (shop,)),
        _kind_turn(rng, "receipt"),
    )
    return World(picture, sentence(f"a receipt from the shop {shop}, the total is {total}"), turns)


def form(rng: WorldRng) -> World:
    """A form with three filled fields."""
    picture, font = _paper(rng)
    fields = {
        "name": rng.pick(PEOPLE[rng.held]),
        "city": rng.pick(CITIES[rng.held]),
        "age": str(rng.random.randint(18, 89)),
    }
    write_text(picture, "FORM", font, (0.3, 0.03, 0.7, 0.17), INK)
    for i, (field, value) in enumerate(fields.items()):
        top = 0.24 + 0.25 * i
        write_text(
            picture,
            f"{field.capitalize()}:",
            font,
            (0.06, top + 0.02, 0.36, top + 0.16),
            INK,
            "left",
        )
        write_text(picture, value, font, (0.4, top, 0.94, top + 0.16), (20, 40, 140), "left")
        _rule(picture, top + 0.2, left=0.38)
    asked = [rng.by_slot(list(fields)), *rng.shuffled(list(fields))]
    turns = [
        QAPair(
            "field", rng.ask("field", field=f), sentence(f"the {f} is {fields[f]}"), (fields[f],)
        )
        for f in dict.fromkeys(asked)
    ]
    caption = sentence(
        f"a form with the name {fields['name']}, the city {fields['city']}, the age {fields['age']}"
    )
    return World(picture, caption, (*turns, _kind_turn(rng, "form")))


def page(rng: WorldRng) -> World:
    """A typed page: a big heading above illegibly small lines."""
    picture, font = _paper(rng)
    heading = rng.pick(WORDS[rng.held]).capitalize()
    write_text(picture, heading, font, (0.1, 0.06, 0.9, 0.28), INK)
    top = 0.38
    while top < 0.92:
        line = " ".join(rng.pick(WORDS[rng.held]) for _ in range(8))
        write_text(picture, line, font, (0.08, top, 0.92, top + 0.035), (60, 60, 60), "left")
        top += 0.06
    answer = sentence(f"the heading is {heading.lower()}")
    turns = (QAPair("heading", rng.ask("heading"), answer, (heading,)), _kind_turn(rng, "page"))
    return World(picture, sentence(f"a page with the heading {heading.lower()}"), turns)


def _paper(rng: WorldRng) -> tuple[Image.Image, str]:
    return Image.new("RGB", rng.canvas, rng.pick(PAPERS)), rng.pick(rng.assets.fonts)


def _kind_turn(rng: WorldRng, kind: str) -> QAPair:
    accept = (kind, "document", "text") if kind == "page" else (kind,)
    return QAPair("kind", rng.ask("kind"), sentence(an(kind)), accept)


def _rule(picture: Image.Image, y: float, left: float = 0.06) -> None:
    width, height = picture.size
    ImageDraw.Draw(picture).line(
        (left * width, y * height, 0.94 * width, y * height), fill=INK, width=2
    )
