"""Photo cut-outs with names from Tux Paint's stamps (GPL-2), the only photographs to train on.

Their descriptions are sentences for children ("A cow.", "Eat your broccoli!"); the name is
extracted from simple ones and listed below for the others. Drawings, and all pictures that
photo_table holds out for scoring, are skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from data.prepare import photo_table

# The longest matching folder is the category; other folders contain drawings or signs.
CATEGORIES = {
    "animals": "animal",
    "animals/birds": "bird",
    "animals/fish": "sea animal",
    "animals/insects": "bug",
    "animals/shellfish": "sea animal",
    "food/fruit": "fruit",
    "food/nuts": "food",
    "food/spices": "food",
    "food/vegetables": "vegetable",
    "hobbies": "device",
    "hobbies/music": "instrument",
    "household": "household",
    "household/dishes": "dishes",
    "household/tools": "tool",
    "medical": "medical",
    "plants": "plant",
    "plants/flowers": "flower",
    "sports": "sports gear",
    "vehicles": "vehicle",
    "vehicles/flight": "aircraft",
    "vehicles/ship": "ship",
}

# Drawings, poor cut-outs, and objects that cannot be named by their look.
_DROP_WORDS = """
albino_peahen cuckoo shrimp bee whale tamarin_emperor echidna hedgehog pizza tooth lobster
bluegroper moonwrasse stripedfish coraltrout xanthia nandou wapiti cement_mixer cylinder
home_compost_bin thyme lettuce_bolted appooppanthady adeenia bolsom chemparathi
chuvanna_plastic_poo rambutan tree336 eggplant-plant sedan_police old_naval_shell
rugby_goal_posts 7spoke256 wheel_tractor walnutBoat dumper lark quetzal abalone murray-mussel
gnu-baby gnu-sitting pig_golden2 final-roll-call whitestar-petunia wheelie_bin red-gazania
pigface anthoorium australian_rules_football cep-2 garlics flower4 holm_oak pattypan_squash
heron_greatblue_flying key
"""
_DROP = set(_DROP_WORDS.split())

_NAMES = {
    "adelaide-rosella": "parrot", "albino_peahen": "peahen", "chicken_profile": "chicken",
    "crowned_crane": "crane", "drake": "duck", "gander": "goose",
    "helmeted_guineafowl": "guinea fowl", "hen": "hen", "heron_greatblue": "heron",
    "little-penguin": "penguin", "magellanic_penguin": "penguin", "rainbow-lorikeet": "parrot",
    "silver-gull": "seagull", "rooster": "rooster", "lionfish": "lionfish", "Brown_slug": "slug",
    "hoverfly": "hoverfly", "bear": "bear", "european-bear": "bear", "edward_bear": "teddy bear",
    "cow_white": "cow", "gnu-baby-stand": "gnu", "gnu-stand": "gnu", "indian_blackbuck": "antelope",
    "mountaingoat": "mountain goat", "sheep_lamb": "lamb", "caribou": "reindeer", "doe": "deer",
    "donkey_eating": "donkey", "dog": "dog", "pig_golden": "pig", "rabbit_little": "rabbit",
    "rhino_black": "rhinoceros", "capybara": "capybara", "rabbit-2": "rabbit",
    "wildboar": "wild boar", "kangaroo": "kangaroo", "tiger_sumatran": "tiger",
    "Cherry_Stella": "cherries", "apple_fuji": "apple", "apple_granny_smith": "green apple",
    "apple_sierra_beauty": "apple", "avocado": "avocado", "cherimoya": "cherimoya",
    "grapes": "grapes", "kiwi": "kiwi", "mandarine": "orange", "orange_seville": "orange",
    "pear": "pear", "sliced_lime": "slice of lime", "sliced_orange": "slice of orange",
    "ginger": "ginger", "chilepepper": "chili pepper", "garlic": "garlic", "lettuce": "lettuce",
    "pepper": "bell pepper", "yellowpepper": "bell pepper", "potato": "potato",
    "pumpkin_small": "pumpkin", "redlettuce": "lettuce", "tomato": "tomato",
    "walnut_shelled": "walnut", "cymbal_crash": "cymbal", "drum_tomtom_floor": "drum",
    "drumkit": "drum kit", "guitar_classical": "guitar", "guitar_electric_bass": "electric guitar",
    "Lightbulb": "light bulb", "highlighter": "marker", "pen_dryerase": "marker",
    "scissors_small_closed": "scissors", "scissors_small_open": "scissors",
    "glass": "glass of water", "pitcher_small": "jug", "kettle": "kettle",
    "rubberduck": "rubber duck", "mallet_metal": "hammer", "measuring_tape": "tape measure",
    "paintbrush_large": "paintbrush", "plyers": "pliers", "spade": "shovel",
    "wrench_adjustable": "wrench", "wrench_plumbers": "wrench", "bandage_adhesive": "bandage",
    "mercurythermometer": "thermometer", "stethoscope": "stethoscope", "anemone_red": "red flower",
    "flower1": "purple flower", "flower2": "yellow flower", "flower3": "yellow flower",
    "flower5": "yellow flower", "flower6": "purple flower", "flower7": "flowers",
    "flower8": "pink flower", "flower9": "pink flower", "flower10": "hibiscus",
    "lavender": "lavender", "cep": "mushroom", "cep-1": "mushroom", "birch": "bare tree",
    "holly_leaves": "holly", "liberia-palm": "palm tree", "cricketball": "cricket ball",
    "football": "football", "soccer": "soccer ball", "tennis_racket": "tennis racket",
    "trophy_cup": "trophy", "beetle": "car", "sedan": "car", "green_korean_bus": "bus",
    "chineseJunk": "sailing ship", "cementmixer": "cement mixer",
}  # fmt: skip


def stamp_pictures(package: Path) -> Iterator[tuple[str, str, str, Path]]:
    """Yields (name, category, "photo", file) of every cut-out for training in the package."""
    stamps = package / "usr" / "share" / "tuxpaint" / "stamps"
    held_out = {line.split("|")[0].strip() for line in photo_table.CUT_OUTS.splitlines()}
    for file in sorted(stamps.rglob("*.png")):
        key = file.relative_to(stamps).with_suffix("").as_posix()
        folders = [folder for folder in CATEGORIES if key.startswith(folder + "/")]
        text = file.with_suffix(".txt")
        unfit = "/cartoon/" in key or "mirror" in key or file.stem in _DROP or not text.exists()
        if unfit or not folders or key in held_out:
            continue
        sentence = text.read_text(encoding="utf-8", errors="replace").split("\n")[0]
        name = _NAMES.get(file.stem) or name_in(sentence)
        if name:
            yield name, CATEGORIES[max(folders, key=len)], "photo", file


def name_in(sentence: str) -> str | None:
    """ "A pair of pliers." -> "pliers"; None if the sentence is not just a name."""
    pattern = r"(?:An?|The|Some)? ?(?:pair of )?([A-Za-z][a-z' -]{2,24})\."
    match = re.fullmatch(pattern, sentence.strip())
    return match[1].strip() if match and " with " not in match[1] else None
