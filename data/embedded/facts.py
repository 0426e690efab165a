"""Short facts that show whether tuning has cost a model what it knew: questions and answers."""

from collections.abc import Iterator

from data.records import Record, RecordMessage, RecordText

QUIZ: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("What is the capital of France?", ("paris",)),
    ("What is the capital of Italy?", ("rome",)),
    ("What is the capital of Japan?", ("tokyo",)),
    ("What is the capital of Germany?", ("berlin",)),
    ("What is the capital of Spain?", ("madrid",)),
    ("What colour is the sky on a clear day?", ("blue",)),
    ("What colour is grass?", ("green",)),
    ("How many days are in a week?", ("seven", "7")),
    ("How many months are in a year?", ("twelve", "12")),
    ("What is the opposite of hot?", ("cold",)),
    ("What is the opposite of big?", ("small", "little")),
    ("Which planet do we live on?", ("earth",)),
    ("Which planet is known as the red planet?", ("mars",)),
    ("What is frozen water called?", ("ice",)),
    ("What gas do plants take in from the air?", ("carbon",)),
    ("What do bees make?", ("honey",)),
    ("Which animal says meow?", ("cat",)),
    ("Which animal barks?", ("dog",)),
    ("Who wrote Romeo and Juliet?", ("shakespeare",)),
    ("Which ocean lies between Europe and America?", ("atlantic",)),
    ("What is two plus two?", ("four", "4")),
    ("What is the chemical formula of water?", ("h2o",)),
    ("What is the largest planet of the solar system?", ("jupiter",)),
    ("Which season comes after winter?", ("spring",)),
)


def fact_records() -> Iterator[Record]:
    """Yields each fact as a record with its accepted answers."""
    for number, (question, accepted) in enumerate(QUIZ, start=1):
        messages = (
            RecordMessage("user", (RecordText(question),)),
            RecordMessage("assistant", (RecordText(accepted[0]),)),
        )
        yield Record(f"fact {number}", messages, accept=(accepted,))
