"""Image-free records that teach a language model to put a classifier's knowledge into words.

The media part of a record is

    {"type": "concept", "class": 281, "seed": 7, "confidence": 0.63, "family": "cat"}

and the collator turns it into simulated outputs of the classifier, with that much probability on
the class and the rest on its like. So all thousand kinds can be taught without a single photograph.
Answers follow the confidence: sure, hedged, or "I can't tell".
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, Literal

from data.synthetic.kinds import Kind, family_phrase, kinds

SURE, UNSURE = 0.45, 0.15  # at SURE and above answers are plain, below UNSURE nothing is named

Exchange = tuple[
    str, str, list[str], list[str]
]  # question, answer, right answers, nearly right ones

# purpose: (phrasings to train on, phrasings kept for scoring)
QUESTIONS: dict[str, tuple[list[str], list[str]]] = {
    "name": (
        [
            "What is this?",
            "What's this?",
            "What do you see?",
            "What is in the picture?",
            "What is shown here?",
        ]
        + [
            "What can you see in this image?",
            "Name the main thing in the picture.",
            "Tell me what this is.",
        ]
        + [
            "What does the picture show?",
            "Can you tell me what this is?",
            "What am I looking at?",
            "what is it",
        ]
        + [
            "Which object is this?",
            "What is in this photo?",
            "What's in the image?",
            "What do we have here?",
        ],
        [
            "Identify this.",
            "What might this be?",
            "What's in the photo?",
            "Could you name this?",
            "what do you see here",
        ],
    ),
    "describe": (
        [
            "Describe the picture.",
            "Describe this image in one sentence.",
            "Write a short caption.",
            "Describe this photo.",
        ]
        + [
            "Can you describe what you see?",
            "What is happening in the picture?",
            "Caption this image.",
            "Describe it.",
        ],
        [
            "How would you describe this picture?",
            "Say in a few words what is shown.",
            "Give me a caption for this.",
        ],
    ),
    "kind": (
        [
            "What kind of {family} is this?",
            "Which {family} is this?",
            "What sort of {family} do you see?",
        ]
        + ["What type of {family} is it?"],
        ["Can you say what kind of {family} that is?", "Which kind of {family} is in the picture?"],
    ),
    "animal": (
        [
            "Which animal is this?",
            "What animal do you see?",
            "What kind of animal is this?",
            "What animal is in the picture?",
        ],
        ["Can you name the animal?", "Which animal is shown?"],
    ),
    "presence": (
        [
            "Is there {thing} in the picture?",
            "Do you see {thing}?",
            "Is this {thing}?",
            "Can you see {thing} here?",
        ]
        + ["Does the picture show {thing}?"],
        [
            "Is {thing} in the image?",
            "Would you say this is {thing}?",
            "Does this photo contain {thing}?",
        ],
    ),
    "reason": (
        [
            "How can you tell?",
            "How do you know?",
            "Why do you think so?",
            "What makes you say that?",
        ],
        ["What is that based on?", "How did you recognize it?"],
    ),
    "looks": (
        [
            "What does it usually look like?",
            "How would you recognize one?",
            "Tell me what such a thing looks like.",
        ],
        ["What do they look like in general?"],
    ),
    "sure": (["Are you sure?", "How sure are you?", "Really?"], ["Is that certain?"]),
    "general": (
        ["What is it more generally?", "What group does it belong to?", "What is that a kind of?"],
        ["In plainer words?", "Which family of things is that?"],
    ),
    "living": (["Is it an animal?", "Is this an animal?"], ["Would you call it an animal?"]),
}

_PLAIN = [
    "{Phrase}.",
    "{Phrase}.",
    "This is {phrase}.",
    "It is {phrase}.",
    "I see {phrase}.",
    "That's {phrase}.",
]
_WITH_FAMILY = ["This is {phrase}, a kind of {family}.", "{Phrase}, a kind of {family}."]
_CAPTION = [
    "The picture shows {phrase}.",
    "A photo of {phrase}.",
    "{Phrase}.",
    "The picture shows {phrase}, a kind of {family}.",
]
_HEDGED = [
    "It looks like {phrase}.",
    "Probably {phrase}.",
    "I think it is {phrase}.",
    "This may be {phrase}.",
]
_HEDGED_FAMILY = ["{Fam}, probably {phrase}.", "It looks like {fam}, perhaps {phrase}."]
_UNKNOWN = [
    "I can't tell what this is.",
    "I'm not sure what this is.",
    "I can't make out what it is.",
    "I can't tell.",
]
_UNKNOWN += ["It is hard to tell what this is.", "I don't recognize what is in the picture."]

# Families that overlap: none of a line is used to say no about another of it.
_ALIKE = [
    set(line.split(","))
    for line in (
        "dog,wild dog,wolf,fox",
        "cat,wild cat,big cat",
        "ape,monkey,lemur",
        "fish,shark,whale,sea animal",
        "insect,beetle,butterfly,spider,worm,snail",
        "lizard,reptile,dinosaur,salamander,turtle,snake,frog",
        "crab,lobster,sea animal,snail",
        "cattle,sheep,antelope,camel,horse,zebra,pig",
        "rabbit,rodent,marsupial",
        "car,truck,van,bus,train,bicycle,motorcycle,vehicle,cart,sled",
        "boat,sailboat,ship",
        "aircraft,spacecraft",
        "glass,cup,bowl,pot,pan,bottle,basket,box,bag,container,kitchen tool,kitchen appliance,"
        "household appliance,lamp",
        "piece of clothing,scarf,tie,armor,hat,helmet,mask,shoe,sock,glasses,sports gear",
        "tool,kitchen tool,machine,weapon,gun,lock,fastener",
        "clock,watch,measuring instrument,electronic device,computer,telephone,camera,keyboard",
        "chair,seat,table,bed,piece of furniture,curtain",
        "fence,bridge,roof,tower,shop,place of worship,building,home,monument,landscape",
        "bread,sandwich,dessert,food,fruit,vegetable,mushroom,plant,nut,flower,drink,cup",
        "ball,sports gear",
    )
]


def concept_records(
    num: int,
    seed: int,
    stage: Literal["pretrain", "instruct"],
    split: Literal["train", "held"] = "train",
) -> Iterator[dict[str, Any]]:
    """`num` records in JSONL form, the same for the same seed; every kind comes up equally often.

    "pretrain" asks once for a name or a caption; "instruct" asks everything, in up to three turns.
    """
    rng = random.Random(f"concepts-{stage}-{split}-{seed}")
    order: list[Kind] = []
    for number in range(num):
        if not order:
            order = rng.sample(kinds(), len(kinds()))
        kind = order.pop()
        low = stage == "instruct" and rng.random() < 0.07
        confidence = rng.uniform(0.02, 0.10) if low else rng.uniform(0.20, 0.99)
        media = {
            "type": "concept",
            "class": kind.index,
            "seed": rng.randrange(2**31),
            "confidence": round(confidence, 3),
        }
        if kind.family:
            media["family"] = kind.family
        talk = _Talk(rng, kind, confidence, held=split == "held")
        task, exchanges = talk.pretrain() if stage == "pretrain" else talk.instruct()
        yield {
            "id": f"concept-{stage}-{split}-{seed}-{number:06d}",
            "messages": _messages(media, exchanges),
            "task": task,
            "accept": [exchange[2] for exchange in exchanges],
            "near": [exchange[3] for exchange in exchanges],
        }


def _messages(media: dict[str, Any], exchanges: list[Exchange]) -> list[dict[str, Any]]:
    messages = []
    for turn, (question, answer, _, _) in enumerate(exchanges):
        content = [media] if turn == 0 else []
        messages.append({"role": "user", "content": [*content, {"type": "text", "text": question}]})
        messages.append({"role": "assistant", "content": [{"type": "text", "text": answer}]})
    return messages


class _Talk:
    """Questions and answers about one kind, seen with one confidence."""

    def __init__(self, rng: random.Random, kind: Kind, confidence: float, held: bool) -> None:
        self.rng, self.kind, self.confidence, self.held = rng, kind, confidence, held
        self.near = [kind.family] if kind.family else []

    def pretrain(self) -> tuple[str, list[Exchange]]:
        ask = self.rng.choice(["name", "name", "describe"])
        templates = _PLAIN if ask == "name" else _CAPTION
        return f"concept-{ask}", [
            (self._question(ask), self._say(templates), [self.kind.name], self.near)
        ]

    def instruct(self) -> tuple[str, list[Exchange]]:
        if self.confidence < UNSURE:
            ask = self.rng.choice(["name", "describe", "name", "animal"])
            answer = self.rng.choice(_UNKNOWN)
            return "concept-unknown", [
                (self._question(ask), answer, ["tell", "sure", "make out", "recognize"], [])
            ]
        openings = (
            ["name"] * 4
            + ["describe"] * 2
            + ["presence"] * 4
            + ["animal"]
            + ["kind"] * bool(self.kind.family)
        )
        opening = self.rng.choice(openings)
        exchanges = [self._ask(opening)]
        for _ in range(self.rng.choice([0, 0, 1, 1, 2])):
            asked = {exchange[0] for exchange in exchanges}
            exchange = self._ask(self.rng.choice(self._follow_ups(opening)))
            if exchange[0] not in asked:
                exchanges.append(exchange)
        return f"concept-{opening}", exchanges

    def _follow_ups(self, opening: str) -> list[str]:
        follow_ups = ["presence", "sure", "living"]
        if self.kind.looks:
            follow_ups += ["reason", "reason", "looks"]
        if self.kind.family:
            follow_ups += ["general"] + ["kind"] * (opening == "presence")
        return follow_ups

    def _ask(self, about: str) -> Exchange:
        kind, name, question = self.kind, [self.kind.name], self._question(about)
        match about:
            case "name":
                return question, self._named(_PLAIN), name, self.near
            case "describe":
                return question, self._named(_CAPTION), name, self.near
            case "kind":
                answer = self._named(["{Phrase}.", "It is {phrase}.", "This is {phrase}."])
                return question.format(family=kind.family), answer, name, []
            case "animal":
                if kind.is_animal:
                    return question, self._named(_PLAIN[:4]), name, self.near
                return (
                    question,
                    self._say(
                        ["I don't see an animal. This is {phrase}.", "There is no animal here."]
                    ),
                    ["no animal", "don't"],
                    [],
                )
            case "presence":
                return self._presence(question)
            case "reason" | "looks":
                return question, kind.looks, [], []
            case "sure":
                if self.confidence >= SURE:
                    return (
                        question,
                        self._say(["Yes, this is {phrase}.", "Quite sure.", "Yes, I am."]),
                        ["yes", "sure"],
                        [],
                    )
                return (
                    question,
                    self._say(
                        ["Not quite, but it looks like {phrase}.", "No, it may be something else."]
                    ),
                    ["not", "no"],
                    [],
                )
            case "general":
                return (
                    question,
                    self._say(["A kind of {family}.", "It is a kind of {family}.", "{Fam}."]),
                    [str(kind.family)],
                    [],
                )
            case _:
                yes = (
                    ["Yes, {phrase} is an animal.", "Yes, it is."]
                    if kind.is_animal
                    else ["No, it is {phrase}.", "No, it is not."]
                )
                return question, self._say(yes), ["yes" if kind.is_animal else "no"], []

    def _presence(self, question: str) -> Exchange:
        """Half yes, half no; by the kind's own name or the family's."""
        kind = self.kind
        if self.rng.random() < 0.5:
            thing = (
                family_phrase(kind.family)
                if kind.family and self.rng.random() < 0.6
                else kind.phrase
            )
            answer = self._say(
                [
                    "Yes.",
                    "Yes, there is {phrase}.",
                    "Yes, this is {phrase}.",
                    "Yes, I see {phrase}.",
                ]
            )
            return question.format(thing=thing), answer, ["yes"], []
        other = self._unlike()
        thing = (
            family_phrase(other.family)
            if other.family and self.rng.random() < 0.7
            else other.phrase
        )
        answers = [
            "No.",
            f"No, I don't see {thing.replace('some ', 'any ')}. This is {{phrase}}.",
            "No, this is {phrase}.",
            "No, I see {phrase}.",
        ]
        return question.format(thing=thing), self._say(answers), ["no"], []

    def _unlike(self) -> Kind:
        """A kind that can't be mistaken for ours by name or family; mostly of the same realm."""
        alike = {self.kind.family}.union(*(group for group in _ALIKE if self.kind.family in group))
        same_realm = self.rng.random() < 0.6
        while True:
            other = self.rng.choice(kinds())
            vague = other.family in (None, "animal") and self.kind.family in (None, "animal")
            if other.family in alike or vague or (other.family == "animal" and self.kind.is_animal):
                continue
            if not same_realm or other.is_animal == self.kind.is_animal:
                return other

    def _named(self, templates: list[str]) -> str:
        """Names the kind as plainly as the confidence allows."""
        if self.confidence < SURE and self.rng.random() < 0.6:
            return self._say(_HEDGED + (_HEDGED_FAMILY if self.kind.family else []))
        return self._say(templates + (_WITH_FAMILY if self.rng.random() < 0.3 else []))

    def _say(self, templates: list[str]) -> str:
        kind = self.kind
        fitting = [t for t in templates if kind.family or ("{fam" not in t.lower())]
        fam = family_phrase(kind.family) if kind.family else ""
        words = {"phrase": kind.phrase, "family": kind.family, "fam": fam}
        return self.rng.choice(fitting).format(
            Phrase=_capital(kind.phrase), Fam=_capital(fam), **words
        )

    def _question(self, about: str) -> str:
        return self.rng.choice(QUESTIONS[about][self.held])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
