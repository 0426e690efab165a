"""Cards, posters, recipes and certificates."""

from data.embedded.findings import invented
from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import number_pattern
from data.embedded.findings.names import (
    CITIES,
    DAYS,
    FIRST,
    LAST,
)
from data.embedded.findings.pages.money import Money, address, clock, date, person, phone
from data.embedded.findings.pages.page import Fact, Page, Row, number_in_words
from data.embedded.findings.words import capital, number_word
from vlm.experts.colors import NAMES as COLORS

JOBS = (
    *(
        "Sales Manager",
        "Architect",
        "Plumber",
        "Dentist",
        "Head of Design",
        "Lawyer",
        "Photographer",
    ),
    *("Software Engineer", "Tax Advisor", "Tour Guide", "Translator", "Electrician", "Editor"),
)


PETS = (
    "dog",
    "parrot",
    "tortoise",
    "rabbit",
    "bicycle",
    "wallet",
    "umbrella",
    "key ring",
    "ferret",
)


def business_card(d: Draw) -> Page:
    name, job, company, tel = person(d), d.name(JOBS), invented.company(d), phone(d)
    mail = (
        f"{name.split()[0][0].lower()}.{name.split()[1].lower()}@{company.split()[0].lower()}.com"
    )
    where, web = address(d), f"www.{company.split()[0].lower()}.com"
    rows = [Row(name, 1.8), Row(job), Row(company), Row(where), Row(f"Tel. {tel}"), Row(mail)]
    facts = [
        Fact("job", job, "{v}."),
        Fact("phone", tel, "The number is {v}."),
        Fact("email", mail, "The address is {v}."),
        Fact("shop", company, "{v}."),
        Fact("address", where, "The address is {v}."),
        Fact("field", name, "The name is {v}.", {"field": "name"}),
    ]
    lacking = ["total", "date"]
    if d.chance(0.5):
        rows.append(Row(web))
        facts.append(Fact("web", web, "The website is {v}."))
    else:
        lacking.append("web")
    about = (
        (f"It is the business card of {name}", (name,)),
        (f"{job} at {company}", (job, company)),
    )
    return Page(
        "business card",
        ("a business card", "card"),
        tuple(rows),
        tuple(facts),
        about,
        ("card",),
        title=name,
        lacking=tuple(lacking),
    )


def event_poster(d: Draw) -> Page:
    event, day, hour, money = invented.event(d), date(d), clock(d), Money(d)
    place = d.pick((f"{d.name(CITIES)} Town Hall", f"{d.name(LAST)} Park", f"{d.name(LAST)} Hall"))
    free = d.chance(0.35)
    price = "Free entry" if free else f"Tickets {money(d.whole(3, 60) * 100)}"
    rows = [Row(event, d.pick((1.8, 2.5))), Row(day), Row(f"{hour}"), Row(place), Row(price)]
    facts = [
        Fact("title", event, "The title is {v}."),
        Fact("event date", day, "It is on {v}."),
        Fact("time", hour, "It starts at {v}."),
        Fact("where", place, "It takes place at {v}."),
        Fact(
            "entry",
            price,
            "{v}.",
            right=("free|yes" if free else price.split(" ", 1)[1].replace("$", r"\$"),),
        ),
    ]
    lacking = ["email", "paid how", "facility"]
    if d.chance(0.4):
        rows.append(Row(f"Info: {(tel := phone(d))}"))
        facts.append(Fact("phone", tel, "The number is {v}."))
    else:
        lacking.append("phone")
    about = (
        (f"It is a poster for {event}", (event,)),
        (f"on {day}", (day,)),
        (f"at {place}", (place,)),
    )
    return Page(
        "poster",
        ("a poster", "flyer"),
        tuple(rows),
        tuple(facts),
        about,
        ("poster|flyer|announce",),
        title=event,
        lacking=tuple(lacking),
    )


def lost_notice(d: Draw) -> Page:
    lost = d.chance(0.6)
    thing, tel, name = d.name(PETS), phone(d), d.name(FIRST)
    since = f"since {d.pick(DAYS)}" if lost else f"on {d.pick(DAYS)}"
    word = d.pick(("LOST", "LOST", "MISSING")) if lost else "FOUND"
    head = f"{word}{d.pick((':', ''))} {thing.upper()}"
    color = d.pick(COLORS)
    details = (f"{capital(color)} with a red tag", f"{capital(color)} and small", f"Very {color}")
    rows = [
        Row(head, 2.2),
        *([Row(f"{d.pick(details)}.")] if d.chance(0.5) else []),
        Row(f"{'Missing' if lost else 'Found'} {since} near {address(d)}"),
        Row(f"{d.pick(('Call', 'Please call', 'Tel.'))} {name}: {tel}"),
    ]
    facts = [
        Fact("phone", tel, "Call {v}."),
        Fact("phone", tel, "Call {v}."),
        Fact("from", name, "It is from {v}."),
    ]
    verb = "lost" if lost else "found"
    about = ((f"It is a notice about a {verb} {thing}", (head,)), (f"; call {tel}", (tel,)))
    return Page(
        "notice",
        ("a notice", "poster"),
        tuple(rows),
        tuple(facts),
        about,
        (rf"{thing}|{verb}",),
        title=head,
        lacking=("email", "entry", "date", "reward", "reward"),
    )


def recipe(d: Draw) -> Page:
    dish = d.pick(
        ("Pancakes", "Apple Crumble", "Lentil Soup", "Potato Salad", "Banana Bread", "Scones")
    )
    items = d.some(
        ("flour", "sugar", "butter", "milk", "eggs", "salt", "oats", "yeast", "cream"), 3, 5
    )
    amounts = [
        f"{d.whole(1, 9) * 50} g" if x not in ("eggs", "milk") else str(d.whole(1, 6))
        for x in items
    ]
    amounts = [f"{a} ml" if x == "milk" else a for a, x in zip(amounts, items, strict=True)]
    steps = d.some(
        (
            "Mix everything in a bowl",
            "Let it rest for an hour",
            "Bake for 30 minutes",
            "Stir until smooth",
            "Add the milk slowly",
            "Serve warm",
            "Heat the pan",
        ),
        2,
        4,
    )
    listed = [f"{amount} {x}" for amount, x in zip(amounts, items, strict=True)]
    rows = [Row(dish, 1.8), *map(Row, listed), *(Row(f"{i}. {s}") for i, s in enumerate(steps, 1))]
    facts = [
        Fact("amount", amount, "{v}.", {"x": x}, support=(row,))
        for amount, x, row in zip(amounts, items, listed, strict=True)
    ]
    facts += [
        Fact("step", s, "{v}.", {"n": str(i), "nth": number_in_words(i)}, support=(f"{i}. {s}",))
        for i, s in enumerate(steps, 1)
    ]
    facts += [
        Fact("title", dish, "The title is {v}."),
        Fact(
            "needs",
            items[0],
            "You need {v}.".replace("{v}", ", ".join(listed)),
            support=tuple(listed),
            short=f"{capital(', '.join(listed))}.",
        ),
        Fact(
            "how many steps",
            number_word(len(steps)),
            "It has {v} steps.",
            support=tuple(steps),
            right=(number_pattern(len(steps)),),
            short=capital(number_word(len(steps))) + ".",
        ),
    ]
    about = (
        (f"It is a recipe for {dish.lower()}", (dish,)),
        (f"with {len(items)} ingredients", tuple(listed)),
    )
    return Page(
        "recipe",
        ("a recipe", "instructions"),
        tuple(rows),
        tuple(facts),
        about,
        ("recipe",),
        title=dish,
        lacking=("author", "total"),
    )


def certificate(d: Draw) -> Page:
    name, day, topic, signer = person(d), date(d), invented.title(d), person(d)
    rows = [
        Row("CERTIFICATE", 2.2),
        Row("This is to certify that"),
        Row(name, 1.5),
        Row(f'has completed the course "{topic}"'),
        Row(day),
        Row(f"Signed: {signer}"),
    ]
    facts = [
        Fact("to", name, "It is for {v}."),
        Fact("date", day, "It is dated {v}."),
        Fact("from", signer, "It is signed by {v}.", support=(f"Signed: {signer}",)),
        Fact("subject", topic, "It is about the course {v}."),
    ]
    about = ((f"It is a certificate for {name}", (name,)), (f'for the course "{topic}"', (topic,)))
    return Page(
        "certificate",
        ("a certificate", "diploma"),
        tuple(rows),
        tuple(facts),
        about,
        ("certificate|course",),
        title="CERTIFICATE",
        lacking=("total", "phone", "until"),
    )


MAKERS = (
    (business_card, 2.0),
    (event_poster, 3.0),
    (lost_notice, 2.0),
    (recipe, 1.5),
    (certificate, 1.0),
)
