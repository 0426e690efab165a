"""Image-free records that teach a language model to verbalize the outputs of a classifier.

The media part of a record is

    {"type": "concept", "class": 281, "seed": 7, "confidence": 0.63, "family": "cat"}

which becomes a simulated classifier output with that probability on the class and the rest on
similar ones (data/embedded/). So all thousand classes can be taught without a single photograph.
The answers depend on the confidence: plain, hedged, or "I can't tell".
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any, Literal

from data.synthetic.language import classification_phrases as phrases
from data.synthetic.language.imagenet_names import ImageNetClass, family_phrase, imagenet_classes

SURE, UNSURE = 0.45, 0.15  # plain answers from SURE on, no names below UNSURE

Exchange = tuple[str, str, list[str], list[str]]  # question, answer, right and nearly right answers

# Overlapping families: a question about one is never answered "no" for another of its line.
_OVERLAPPING = [
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


def classification_records(
    num: int,
    seed: int,
    stage: Literal["pretrain", "instruct"],
    split: Literal["train", "held"] = "train",
) -> Iterator[dict[str, Any]]:
    """Yields `num` records in JSONL form, determined by the seed; classes occur equally often.

    "pretrain" asks once for a name or a caption; "instruct" asks everything, in up to three turns.
    """
    rng = random.Random(f"concepts-{stage}-{split}-{seed}")
    order: list[ImageNetClass] = []
    for number in range(num):
        if not order:
            order = rng.sample(imagenet_classes(), len(imagenet_classes()))
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
        dialogue = _Dialogue(rng, kind, confidence, held=split == "held")
        task, exchanges = dialogue.pretrain() if stage == "pretrain" else dialogue.instruct()
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


class _Dialogue:
    """Makes questions and answers about one class at one confidence."""

    def __init__(
        self, rng: random.Random, kind: ImageNetClass, confidence: float, held: bool
    ) -> None:
        self.rng, self.kind, self.confidence, self.held = rng, kind, confidence, held
        self.near = [kind.family] if kind.family else []

    def pretrain(self) -> tuple[str, list[Exchange]]:
        """Asks for a name or a caption."""
        ask = self.rng.choice(["name", "name", "describe"])
        answer = self._fill(phrases.NAMED if ask == "name" else phrases.CAPTION)
        return f"concept-{ask}", [(self._question(ask), answer, [self.kind.name], self.near)]

    def instruct(self) -> tuple[str, list[Exchange]]:
        """Asks any question and up to two follow-ups."""
        if self.confidence < UNSURE:
            question = self._question(self.rng.choice(["name", "describe", "name", "animal"]))
            marks = ["tell", "sure", "make out", "recognize"]
            return "concept-unknown", [(question, self._fill(phrases.UNKNOWN), marks, [])]
        openings = ["name"] * 4 + ["describe"] * 2 + ["presence"] * 4 + ["animal"]
        opening = self.rng.choice(openings + ["kind"] * bool(self.kind.family))
        subjects = [opening]
        for _ in range(self.rng.choice([0, 0, 1, 1, 2])):
            subject = self.rng.choice(self._follow_ups(opening))
            if subject == "presence" or subject not in subjects:
                subjects.append(subject)
        exchanges = {exchange[0]: exchange for exchange in map(self._ask, subjects)}
        return f"concept-{opening}", list(exchanges.values())

    def _follow_ups(self, opening: str) -> list[str]:
        follow_ups = ["presence", "sure", "living"]
        if self.kind.description:
            follow_ups += ["reason", "reason", "looks"]
        if self.kind.family:
            follow_ups += ["general"] + ["kind"] * (opening == "presence")
        return follow_ups

    def _ask(self, about: str) -> Exchange:
        kind, question = self.kind, self._question(about).replace("{family}", str(self.kind.family))
        if about == "presence":
            return self._presence(question)
        if about in ("reason", "looks"):
            return question, kind.description, [], []
        if about == "kind":
            return question, self._named(phrases.NAMED_AS_KIND), [kind.name], []
        if about == "animal" and not kind.is_animal:
            return question, self._fill(phrases.NO_ANIMAL), ["no animal", "don't"], []
        if about == "sure" and self.confidence >= SURE:
            return question, self._fill(phrases.SURE), ["yes", "sure"], []
        if about == "sure":
            return question, self._fill(phrases.NOT_SURE), ["not", "no"], []
        if about == "general":
            return question, self._fill(phrases.GENERAL), self.near, []
        if about == "living":
            answers = phrases.IS_ANIMAL if kind.is_animal else phrases.IS_NO_ANIMAL
            return question, self._fill(answers), ["yes" if kind.is_animal else "no"], []
        answers = phrases.CAPTION if about == "describe" else phrases.NAMED
        return question, self._named(answers), [kind.name], self.near

    def _presence(self, question: str) -> Exchange:
        """Asks about presence by class or family name; half the answers are yes."""
        present = self.rng.random() < 0.5
        kind = self.kind if present else self._different_class()
        by_family = kind.family and self.rng.random() < 0.6
        thing = family_phrase(str(kind.family)) if by_family else kind.phrase
        if present:
            return question.format(thing=thing), self._fill(phrases.PRESENT), ["yes"], []
        answer = self._fill(phrases.ABSENT, asked=thing.replace("some ", "any "))
        return question.format(thing=thing), answer, ["no"], []

    def _different_class(self) -> ImageNetClass:
        """Picks a class not confusable by name or family; usually also an animal or also none."""
        own = self.kind
        alike = {own.family}.union(*(group for group in _OVERLAPPING if own.family in group))
        same_realm = self.rng.random() < 0.6
        while True:
            other = self.rng.choice(imagenet_classes())
            vague = other.family in (None, "animal") and own.family in (None, "animal")
            if other.family in alike or vague or (other.family == "animal" and own.is_animal):
                continue
            if not same_realm or other.is_animal == own.is_animal:
                return other

    def _named(self, templates: list[str]) -> str:
        """Names the class as plainly as the confidence allows."""
        if self.confidence < SURE and self.rng.random() < 0.6:
            return self._fill(phrases.HEDGED + phrases.HEDGED_WITH_FAMILY)
        return self._fill(templates + phrases.NAMED_WITH_FAMILY * (self.rng.random() < 0.3))

    def _fill(self, templates: list[str], asked: str = "") -> str:
        kind = self.kind
        fitting = [text for text in templates if kind.family or "{fam" not in text.lower()]
        family = family_phrase(kind.family) if kind.family else ""
        words = {"phrase": kind.phrase, "family": kind.family, "fam": family, "asked": asked}
        capitals = {"Phrase": _capital(kind.phrase), "Fam": _capital(family)}
        return self.rng.choice(fitting).format(**words, **capitals)

    def _question(self, about: str) -> str:
        return self.rng.choice(phrases.QUESTIONS[about][self.held])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
