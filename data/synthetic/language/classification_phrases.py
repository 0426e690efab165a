"""The wording of questions and answers in image-free records (data/synthetic/classifications.py).

Questions have phrasings for training and others for scoring only. In answers, {phrase} is "a tabby
cat", {Phrase} the same with a capital, {family} "cat", {fam} "a cat", {Fam} "A cat".
"""

from __future__ import annotations


def _lines(table: str) -> list[str]:
    return [line.strip() for line in table.strip().splitlines()]


def _questions(train: str, held: str) -> tuple[list[str], list[str]]:
    return _lines(train), _lines(held)


# purpose -> (phrasings for training, phrasings for scoring only)
QUESTIONS: dict[str, tuple[list[str], list[str]]] = {
    "name": _questions(
        """What is this?
        What's this?
        What do you see?
        What is in the picture?
        What is shown here?
        What can you see in this image?
        Name the main thing in the picture.
        Tell me what this is.
        What does the picture show?
        Can you tell me what this is?
        What am I looking at?
        what is it
        Which object is this?
        What is in this photo?
        What's in the image?
        What do we have here?""",
        """Identify this.
        What might this be?
        What's in the photo?
        Could you name this?
        what do you see here""",
    ),
    "describe": _questions(
        """Describe the picture.
        Describe this image in one sentence.
        Write a short caption.
        Describe this photo.
        Can you describe what you see?
        What is happening in the picture?
        Caption this image.
        Describe it.""",
        """How would you describe this picture?
        Say in a few words what is shown.
        Give me a caption for this.""",
    ),
    "kind": _questions(
        """What kind of {family} is this?
        Which {family} is this?
        What sort of {family} do you see?
        What type of {family} is it?""",
        """Can you say what kind of {family} that is?
        Which kind of {family} is in the picture?""",
    ),
    "animal": _questions(
        """Which animal is this?
        What animal do you see?
        What kind of animal is this?
        What animal is in the picture?""",
        """Can you name the animal?
        Which animal is shown?""",
    ),
    "presence": _questions(
        """Is there {thing} in the picture?
        Do you see {thing}?
        Is this {thing}?
        Can you see {thing} here?
        Does the picture show {thing}?""",
        """Is {thing} in the image?
        Would you say this is {thing}?
        Does this photo contain {thing}?""",
    ),
    "reason": _questions(
        """How can you tell?
        How do you know?
        Why do you think so?
        What makes you say that?""",
        """What is that based on?
        How did you recognize it?""",
    ),
    "looks": _questions(
        """What does it usually look like?
        How would you recognize one?
        Tell me what such a thing looks like.""",
        "What do they look like in general?",
    ),
    "sure": _questions("Are you sure?\nHow sure are you?\nReally?", "Is that certain?"),
    "general": _questions(
        """What is it more generally?
        What group does it belong to?
        What is that a kind of?""",
        """In plainer words?
        Which family of things is that?""",
    ),
    "living": _questions("Is it an animal?\nIs this an animal?", "Would you call it an animal?"),
}

NAMED = [
    "{Phrase}.",
    "{Phrase}.",
    "This is {phrase}.",
    "It is {phrase}.",
    "I see {phrase}.",
    "That's {phrase}.",
]
NAMED_AS_KIND = ["{Phrase}.", "It is {phrase}.", "This is {phrase}."]
NAMED_WITH_FAMILY = ["This is {phrase}, a kind of {family}.", "{Phrase}, a kind of {family}."]
CAPTION = [
    "The picture shows {phrase}.",
    "A photo of {phrase}.",
    "{Phrase}.",
    "The picture shows {phrase}, a kind of {family}.",
]
HEDGED = [
    "It looks like {phrase}.",
    "Probably {phrase}.",
    "I think it is {phrase}.",
    "This may be {phrase}.",
]
HEDGED_WITH_FAMILY = ["{Fam}, probably {phrase}.", "It looks like {fam}, perhaps {phrase}."]
UNKNOWN = [
    "I can't tell what this is.",
    "I'm not sure what this is.",
    "I can't make out what it is.",
    "I can't tell.",
    "It is hard to tell what this is.",
    "I don't recognize what is in the picture.",
]
NO_ANIMAL = ["I don't see an animal. This is {phrase}.", "There is no animal here."]
GENERAL = ["A kind of {family}.", "It is a kind of {family}.", "{Fam}."]
SURE = ["Yes, this is {phrase}.", "Quite sure.", "Yes, I am."]
NOT_SURE = ["Not quite, but it looks like {phrase}.", "No, it may be something else."]
IS_ANIMAL = ["Yes, {phrase} is an animal.", "Yes, it is."]
IS_NO_ANIMAL = ["No, it is {phrase}.", "No, it is not."]
PRESENT = ["Yes.", "Yes, there is {phrase}.", "Yes, this is {phrase}.", "Yes, I see {phrase}."]
ABSENT = [
    "No.",
    "No, I don't see {asked}. This is {phrase}.",
    "No, this is {phrase}.",
    "No, I see {phrase}.",
]
