"""General questions with answers from tables, and what somebody told before."""

from functools import cache

from data.embedded.findings.draw import Draw, kept_out
from data.embedded.findings.exchange import Exchange, exactly
from data.embedded.findings.names import FIRST
from data.prepare.general.answers import questions


def knowledge(d: Draw) -> Exchange:
    """A general question with its right answer from the tables."""
    while True:
        question, answer = d.pick(_questions(d.held))
        if not kept_out(question):
            return Exchange("chat", question, answer, (exactly(answer),))


@cache
def _questions(held: bool) -> tuple[tuple[str, str], ...]:
    """Those without lines of code, which would be long."""
    return tuple((q, a) for q, a in questions(1, held) if "\n" not in a)


def remembered(d: Draw) -> tuple[Exchange, Exchange]:
    """Something said by the user, and the question for it later."""
    name = d.name(FIRST)
    what, said, ask = d.pick(
        (
            ("name", f"My name is {name}.", "What is my name?"),
            ("sister", f"My sister is called {name}.", "What is my sister's name?"),
            ("boat", f"We have a boat named {name}.", "What is our boat called?"),
            ("parrot", f"I have a parrot, {name}.", "What's the name of my parrot?"),
            ("horse", f"My horse is named {name}.", "How is my horse called?"),
            ("cat", f"I've got a cat, her name is {name}.", "What did I call my cat?"),
            ("town", f"I live with my friend {name}.", "Who do I live with?"),
            ("teacher", f"{name} is my teacher.", "Who is my teacher?"),
        )
    )
    reply = (
        d.pick((f"Nice to meet you, {name}!", f"Hello {name}!"))
        if what == "name"
        else d.pick((f"{name} is a nice name!", f"Good to know. {name} is a nice name."))
    )
    first = Exchange("chat", d.typed(said), reply, (name,))
    return first, Exchange("followup", d.typed(ask), f"{name}.", (name,))
