"""Words that are written into pictures, and the grammar of sentences about things."""

import re
from collections.abc import Sequence

# Common words of two to six letters. Every tenth one is used for scoring only.
_WORDS = """
go up no we me hi ok on in by
able also army away baby back ball bank base bath bear beat
beer bell best bill bird blue boat body book born both busy
cake call calm camp card care case cash chef city clay club
coal coat cold cook cool copy corn cost crew dark data date
dawn deal deep desk diet dish door down draw drop dust duty
earn east easy edge exit face fact fair farm fast fire fish
five flat flow food foot fork form four free fuel full game
gate gift girl give goal gold good gray grow hair half hall
hand hard head heat help high hill hold home hope hour huge
idea iron item join jump just keep kind king kiss kite lake
lamp land last late left life lift line lion list live long
look love luck lunch mail main make map mark meal meat menu
milk mind moon more move much music name near neck need new
news next nice nine north nose note open oven page paint pair
paper park part party past path peace phone piano pink place
plan plant plate play plus pool post price print queen quick
quiet radio rain ready rent rest rice rich right ring river
road rock roof room rose round route safe sail salt sand save
school sea seat seed sell shape ship shoe shop show side sign
silver sing sister size skin sky sleep slow small smile snow
soap soft song sound south space spoon sport spring stage star
start steel stop store storm story street sugar summer sun
table taxi tea team test thank time today tower town toy track
trade train tree trip truck trust uncle under united valley
video view visit voice wait walk wall warm wash watch water
wave west wheel white wind winter wood word work world write
yard year yellow young zero zone
"""
_ALL = tuple(dict.fromkeys(word for word in _WORDS.split() if len(word) <= 6))
WORDS = {
    False: tuple(word for i, word in enumerate(_ALL) if i % 10 != 7),
    True: tuple(word for i, word in enumerate(_ALL) if i % 10 == 7),
}
_words = str.split
PEOPLE = {
    False: _words("Anna Ben Clara David Emma Frank Grace Henry Ida Jack Leo Maria Nina Oscar Paul"),
    True: _words("Alice Carl Diana Felix Helen Martin Peter Susan"),
}
CITIES = {
    False: _words(
        "London Paris Rome Berlin Tokyo Boston Oslo Cairo Lima Delhi Dublin Moscow Vienna"
    ),
    True: _words("Madrid Chicago Athens Sydney"),
}
GOODS = _words("bread milk tea coffee apples rice soap eggs juice cheese")
COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven")

# Names without a plural, or already plural.
_MASS = set(
    _words(
        "bacon bread broccoli cheese confetti corn curry garlic ginger holly ice lavender lettuce "
        "paper popcorn salad spaghetti stew sushi spinach water rice"
    )
)
_PAIR_JOINTS = {"of", "with", "and", "at"}
_SINGULAR_S = ("us", "ss", "rhinoceros", "iris", "mantis")
_SAME = ("sheep", "fish", "deer", "bison", "moose", "squid", "salmon")
_IRREGULAR = {
    **{"mouse": "mice", "woodlouse": "woodlice", "goose": "geese", "person": "people"},
    **{"child": "children", "ox": "oxen", "tooth": "teeth", "foot": "feet", "die": "dice"},
    **{"knife": "knives", "wolf": "wolves", "leaf": "leaves", "loaf": "loaves", "elf": "elves"},
    **{"scarf": "scarves", "tomato": "tomatoes", "potato": "potatoes", "superhero": "superheroes"},
    **{"mosquito": "mosquitoes", "tornado": "tornadoes"},
}


def is_countable(name: str) -> bool:
    """Returns whether the name takes "a": a mug of beer does, grapes and bread do not."""
    last = re.split(r" (?:of|with|at) ", name)[0].split()[-1].lower()
    plural_form = last.endswith("s") and not last.endswith(_SINGULAR_S)
    return not plural_form and last not in _MASS


def is_simple(name: str) -> bool:
    """Whether the plural is that of the last word: not for "city at night", "bow and arrow"."""
    words = name.split()
    proper = name[0].isupper() or words[0] == "no"  # Mrs. Claus, no entry sign
    return is_countable(name) and not proper and not _PAIR_JOINTS & set(words)


def an(label: str) -> str:
    """Prepends "a" or "an": an orange star, a unicorn, an X-ray."""
    word = label.lower()
    like_a_vowel = word.startswith(("hour", "x-"))
    like_a_consonant = word.startswith(("uni", "eu", "one", "u-", "uku"))
    vowel = like_a_vowel or (word[0] in "aeiou" and not like_a_consonant)
    return f"{'an' if vowel else 'a'} {label}"


def plural(label: str) -> str:
    """Returns the plural of a label, that of its last word."""
    *before, last = label.split(" ")
    if last.lower() in _IRREGULAR:
        last = _IRREGULAR[last.lower()]
    elif last.endswith("man") and not last.endswith("human"):
        last = last[:-3] + "men"
    elif last.endswith(_SAME):
        pass
    elif last.endswith(("s", "x", "ch", "sh", "z")):
        last += "es"
    elif last.endswith("y") and last[-2] not in "aeiou":
        last = last[:-1] + "ies"
    else:
        last += "s"
    return " ".join([*before, last])


def listed(items: Sequence[str]) -> str:
    """Joins items as "a, b and c"."""
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]


def sentence(text: str) -> str:
    """Adds a capital and a period."""
    return text[0].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
