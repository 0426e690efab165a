"""General questions, a little arithmetic, and what somebody told before."""

from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import Exchange, exactly, number_pattern
from data.embedded.findings.names import FIRST

# Question, kind, right pattern; phrasings; "=" answers. A star keeps a phrasing for scoring.

KNOWLEDGE = tuple(
    line.split(" = ")
    for line in """
How many legs does a spider have? = Eight.
How many days are there in a leap year? = 366.
What is the largest ocean? = The Pacific Ocean.
Which planet is closest to the sun? = Mercury.
What do bees make? = Honey.
What is the capital of Italy? = Rome.
What is the capital of Japan? = Tokyo.
What is the capital of Norway? = Oslo.
What is the capital of Spain? = Madrid.
What is the capital of Egypt? = Cairo.
Who painted the Mona Lisa? = Leonardo da Vinci.
Who wrote Hamlet? = William Shakespeare.
Who wrote Pride and Prejudice? = Jane Austen.
Where do penguins live? = Mostly in the south, such as in Antarctica.
What do giraffes eat? = Mostly leaves.
What do cows eat? = Grass.
How many wheels does a bicycle have? = Two.
What is ice made of? = Frozen water.
What color do you get from blue and yellow? = Green.
At what temperature does water boil? = At 100 degrees Celsius.
What is the opposite of hot? = Cold.
How many minutes are in an hour? = 60.
What is H2O? = Water.
Which animal is the tallest? = The giraffe.
What is a baby dog called? = A puppy.
What is a baby cow called? = A calf.
How many continents are there? = Seven.
Where do kangaroos live? = In Australia.
What is the largest land animal? = The African elephant.
What do you call a doctor for animals? = A veterinarian, or vet.
What is bread made of? = Mostly flour, water, yeast and salt.
How many strings does a violin have? = Four.
In which sport do you use a racket? = In tennis, for example.
What does a red traffic light mean? = Stop.
What is the freezing point of water? = 0 degrees Celsius.
Say "good morning" in French. = Bonjour.
What does "danke" mean? = It is German for "thank you".
What does "gracias" mean? = It is Spanish for "thank you".
Name a fruit that is yellow. = A banana.
Give me a word that rhymes with cat. = Hat.
""".strip().splitlines()
)


def knowledge(d: Draw) -> Exchange:
    if d.chance(0.25):
        a, b = d.whole(2, 60), d.whole(2, 60)
        total, sign = d.pick(((a + b, "+"), (a * (b % 10), "*")))
        b = b if sign == "+" else b % 10
        question = d.pick(
            (f"What is {a} {sign} {b}?", f"{a} {sign} {b} = ?", f"How much is {a} {sign} {b}?")
        )
        return Exchange("chat", question, f"{total}.", (number_pattern(total),))
    question, answer = d.name(KNOWLEDGE)
    return Exchange(
        "chat", d.typed(question), answer, (exactly(answer.rstrip(".").split(",")[0].split()[-1]),)
    )


def remembered(d: Draw) -> tuple[Exchange, Exchange]:
    """Something said by the user, and the question for it later."""
    name = d.name(FIRST)
    what, said, ask = d.pick(
        (
            ("name", f"My name is {name}.", "What is my name?"),
            ("sister", f"My sister is called {name}.", "What is my sister's name?"),
            ("boat", f"We have a boat named {name}.", "What is our boat called?"),
            ("parrot", f"I have a parrot, {name}.", "What's the name of my parrot?"),
        )
    )
    reply = (
        d.pick((f"Nice to meet you, {name}!", f"Hello {name}!"))
        if what == "name"
        else d.pick((f"{name} is a nice name!", f"Good to know. {name} is a nice name."))
    )
    first = Exchange("chat", d.typed(said), reply, (name,))
    return first, Exchange("followup", d.typed(ask), f"{name}.", (name,))
