"""The expert for flat drawings, on drawings made here; it is silent on all other pictures."""

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from app.page.asking.examples import FOLDER
from vlm.config import PromptConfig
from vlm.experts.agreement import with_drawn
from vlm.experts.drawing.drawings import drawings
from vlm.experts.drawing.outlines import LONG_NAMES, SHAPES, _figures
from vlm.experts.drawing.regions import regions
from vlm.experts.expert_words import default_experts, shipped_experts
from vlm.experts.experts import Experts
from vlm.experts.film import film_lines, film_summary
from vlm.experts.findings import Findings, Line, Thing
from vlm.experts.quality import small_frames
from vlm.experts.words import name_things, of_still, still_looks
from vlm.media.decode import read_image

Point = tuple[float, float]
Color = str | tuple[int, int, int]


def canvas(color: Color = "white", size: tuple[int, int] = (600, 400)) -> Image.Image:
    return Image.new("RGB", size, color)


def star(x: float, y: float, radius: float) -> list[Point]:
    turns = [(radius if i % 2 == 0 else 0.4 * radius, math.pi * i / 5) for i in range(10)]
    return [(x + r * math.sin(a), y - r * math.cos(a)) for r, a in turns]


def frames(*pictures: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures]))


def seen(picture: Image.Image) -> str:
    return name_things(drawings(small_frames(frames(picture)))[0])


def as_jpeg(picture: Image.Image) -> Image.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=75)
    return Image.open(file).convert("RGB")


def icons() -> Image.Image:
    picture = canvas(size=(1200, 800))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((100, 100, 300, 300), fill=(40, 120, 220))
    draw.rectangle((500, 120, 700, 320), fill=(200, 40, 40))
    draw.polygon(star(1000, 220, 120), fill=(250, 190, 20))
    draw.polygon([(200, 500), (310, 700), (90, 700)], fill=(30, 150, 70))
    draw.polygon([(1000, 480), (1080, 600), (1000, 720), (920, 600)], fill=(120, 40, 160))
    return picture


def ball_and_star(t: int) -> Image.Image:
    """A red ball goes right; from frame 4 on there is a yellow star."""
    picture = canvas("lightblue")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((60 + 40 * t, 60, 140 + 40 * t, 140), fill=(210, 30, 30))
    if t >= 4:
        draw.polygon(star(300, 310, 60), fill=(250, 220, 40))
    return picture


@pytest.mark.parametrize("density", [0.1, 0.3, 0.45, 0.6, 0.9])
@pytest.mark.parametrize("shape", [(1, 1), (5, 7), (40, 60), (144, 192)])
def test_regions_are_those_of_scipy(density: float, shape: tuple[int, int]) -> None:
    mask = np.random.default_rng(0).random(shape) < density
    ours, number = regions(mask)
    theirs, expected = ndimage.label(mask, np.ones((3, 3)))
    assert number == expected
    assert np.array_equal(ours > 0, mask)
    assert len(np.unique(np.stack([ours[mask], theirs[mask]]), axis=1).T) == number


@pytest.mark.parametrize("picture", [icons(), as_jpeg(icons())], ids=["exact", "JPEG"])
def test_icons_have_names_places_and_colors(picture: Image.Image) -> None:
    assert sorted(seen(picture).split("; ")) == [
        "1 circle (top left blue)",
        "1 diamond (bottom right purple)",
        "1 square (top middle red)",
        "1 star (top right yellow)",
        "1 triangle (bottom left green)",
    ]


def test_the_bars_of_a_chart_are_counted_though_they_stand_on_an_axis() -> None:
    picture = canvas(size=(800, 600))
    draw = ImageDraw.Draw(picture)
    draw.line((80, 40, 80, 520), fill="black", width=3)
    draw.line((80, 520, 760, 520), fill="black", width=3)
    bars = {200: "blue", 340: "orange", 120: "green", 400: "red"}
    for i, (high, fill) in enumerate(bars.items()):
        draw.rectangle((130 + 150 * i, 516 - high, 220 + 150 * i, 516), fill=fill)
    assert seen(picture) == "4 rectangle (left blue, middle orange, bottom middle green, right red)"


def test_of_two_shapes_that_overlap_the_front_one_is_named() -> None:
    picture = canvas((210, 230, 245))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((120, 60, 340, 280), fill=(220, 50, 40))
    draw.ellipse((260, 160, 480, 380), fill=(250, 210, 40))
    assert sorted(seen(picture).split("; ")) == [
        "1 circle (middle yellow)",
        "1 shape (middle red)",
    ]


def test_an_outline_belongs_to_what_it_surrounds() -> None:
    picture = canvas((180, 220, 250))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((60, 60, 180, 180), fill=(255, 220, 60), outline="black", width=6)
    draw.rectangle((340, 150, 520, 330), outline=(200, 0, 0), width=5)
    assert sorted(seen(picture).split("; ")) == ["1 circle (left yellow)", "1 square (right red)"]


def test_many_of_a_kind_are_counted_even_where_a_small_one_alone_has_no_name() -> None:
    picture = canvas((0, 51, 153), (900, 600))
    draw = ImageDraw.Draw(picture)
    for i in range(12):
        x, y = 450 + 200 * math.sin(math.pi * i / 6), 300 - 200 * math.cos(math.pi * i / 6)
        draw.polygon(star(x, y, 34), fill=(255, 204, 0))
    assert seen(picture) == "12 star (mostly yellow)"


def test_a_faint_pattern_is_the_ground() -> None:
    picture = canvas((235, 215, 200))
    draw = ImageDraw.Draw(picture)
    for y in range(20, 400, 50):
        for x in range(25, 600, 50):
            draw.ellipse((x - 8, y - 8, x + 8, y + 8), fill=(215, 190, 180))
    draw.rectangle((90, 100, 220, 230), fill=(40, 40, 140))
    assert seen(picture) == "1 square (left blue)"


def test_photographs_noise_and_pages_have_no_drawn_things() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (300, 400, 3), np.uint8)
    page = canvas(size=(900, 1200))
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(24)
    for y in range(80, 1100, 40):
        draw.text((80, y), "The quick brown fox jumps over the lazy dog", fill="black", font=font)
    cat = Image.fromarray(read_image(FOLDER / "cat.jpg").pixels)
    assert [seen(p) for p in (Image.fromarray(noise), page, cat, canvas())] == [""] * 4


def test_a_frame_has_the_same_things_alone_and_among_others() -> None:
    film = small_frames(frames(*map(ball_and_star, range(6))))
    assert drawings(film) == [drawings(film[t : t + 1])[0] for t in range(6)]


def test_a_drawn_film_tells_what_moves_and_what_comes() -> None:
    found = Experts(None, None, drawings=drawings)(frames(*map(ball_and_star, range(8))))
    lines = film_lines(found, 24)
    assert lines[0].startswith("Things: 1 circle (top left red).")
    assert [line.split(" Moved")[0] for line in lines if "New" in line] == [
        "New: 1 star (bottom middle yellow)."
    ]
    assert all("Moved: circle right." in line for line in lines if "Moved" in line)
    assert film_summary(found) == "Whole film: 1 circle (right); 1 star (stays)."


def test_what_takes_the_place_of_a_drawn_thing_is_new_if_neither_name_nor_color_stays() -> None:
    box = (0.4, 0.4, 0.6, 0.6)
    things = [Thing("circle", 0.9, box, "red")] * 3
    for other, told in (
        (Thing("circle", 0.9, box, "blue"), False),
        (Thing("shape", 0.9, box, "red"), False),
        (Thing("star", 0.9, box, "blue"), True),
        (Thing("shape", 0.9, box, "blue"), True),
        (Thing("clock", 0.9, box, "red"), True),
    ):
        film = [Findings(things=(thing,)) for thing in [*things, other]]
        assert ("New: " in film_lines(film, 24)[-1]) == told, other


def test_a_picture_leaves_out_what_has_no_name() -> None:
    things = (
        Thing("shape", 0.9, (0, 0, 0.2, 0.2), "red"),
        Thing("star", 0.9, (0.4,) * 2 + (0.6,) * 2),
    )
    assert still_looks(of_still(Findings(things=things)), 1, 9) == ["Things: 1 star (middle)."]


def test_a_figure_takes_the_place_of_the_detectors_guess_and_letters_are_no_things() -> None:
    ball = Thing("sports ball", 0.6, (0.1, 0.1, 0.3, 0.3))
    circle = Thing("circle", 0.9, (0.11, 0.1, 0.3, 0.3), "red")
    shape = Thing("shape", 0.9, (0.11, 0.1, 0.3, 0.3), "red")
    row = Line("SALE", 0.9, (0.0, 0.0, 0.9, 0.4), 0.4)
    assert with_drawn([ball], [circle], ()) == (circle,)
    assert with_drawn([ball], [shape], ()) == (ball,)
    assert with_drawn([ball], [circle], [row]) == (ball,)
    assert with_drawn([ball], [circle], [row] * 5) == (ball,)
    assert with_drawn([], [circle], [Line("0", 0.9, (0.1, 0.1, 0.3, 0.3), 0.2)]) == (circle,)


def test_shapes_look_beside_things_unless_they_are_switched_off() -> None:
    trained = PromptConfig(experts=("kinds", "things", "text"))
    assert default_experts(trained) == ("kinds", "things", "text", "shapes")
    assert default_experts(PromptConfig(experts=("text",))) == ("text",)
    on, off = shipped_experts(("shapes",)), shipped_experts(("things",))
    assert (on.experts.drawings, off.experts.drawings) == (drawings, None)
    assert on.key != off.key


def test_every_figure_has_a_name_of_the_list() -> None:
    assert {*_figures()[0], *LONG_NAMES.values()} == set(SHAPES)
