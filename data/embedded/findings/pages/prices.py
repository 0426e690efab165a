"""Menus, tickets and tags with prices."""

from data.embedded.findings import invented
from data.embedded.findings.draw import Draw
from data.embedded.findings.names import (
    CITIES,
    DISHES,
    GOODS,
    LAST,
)
from data.embedded.findings.pages.money import Money, clock, date, extremes, person, price_fact
from data.embedded.findings.pages.page import Fact, Page, Row
from data.embedded.findings.words import capital, enumerate_words


def menu(d: Draw) -> Page:
    place = d.pick(
        (f"{d.pick(('Ristorante', 'Cafe', 'Bistro', 'The'))} {d.name(LAST)}", invented.shop(d))
    )
    dishes, money = d.names(DISHES, 3, 10), Money(d)
    cents = d.pick((True, True, False))
    prices = [d.whole(18, 199) * 10 if cents else d.whole(3, 29) * 100 for _ in dishes]
    shown = [money(p) if cents else money(p).replace(".00", "").replace(",00", "") for p in prices]
    rows = [Row(place, d.pick((1.0, 2.0))), *([Row("MENU", 1.5)] if d.chance(0.5) else [])]
    priced = [
        f"{capital(x)}{d.pick((' | ', ' | ', ' '))}{p}" for x, p in zip(dishes, shown, strict=True)
    ]
    heads = d.some(("Starters", "Mains", "Desserts", "Drinks", "Lunch specials"), 0, 3)
    for i, row in enumerate(priced):
        if i * len(heads) % len(priced) < len(heads) and heads:
            rows.append(Row(heads.pop(0), d.pick((1.0, 1.3))))
        rows.append(Row(row))
    facts = [price_fact(x, p, r) for x, p, r in zip(dishes, shown, priced, strict=True)]
    facts.append(Fact("shop", place, "The name is {v}."))
    others = [x for x in DISHES if x not in dishes]
    for x in d.some(others, 3, 5):  # asked for, but not on the menu
        missing = f"I don't find {x} on the menu."
        facts.append(Fact("price", "\0", slots={"x": x}, missing=x, full=missing))
    if len(set(prices)) == len(prices) and cents:
        facts += extremes(dishes, prices, money, priced)
    about = (
        (f"It is the menu of {place}", (place,)),
        (f"with {enumerate_words(dishes[:2])}", tuple(capital(x) for x in dishes[:2])),
    )
    return Page(
        "menu",
        ("a menu", "price list"),
        tuple(rows),
        tuple(facts),
        about,
        ("menu",),
        title=place,
        lacking=("phone", "hours", "address", "date"),
    )


def ticket(d: Draw) -> Page:
    rail = d.chance(0.6)
    start, end = d.names(CITIES, 2, 2) if rail else (d.name(CITIES), "")
    day, hour, money, price = date(d), clock(d), Money(d), d.whole(400, 12900)
    seat = f"{d.whole(1, 40)}{d.pick('ABCDEF')}"
    number = f"{d.whole(100000, 999999)}"
    kind = d.pick(("TRAIN TICKET", "BUS TICKET", "BOARDING PASS")) if rail else "ADMIT ONE"
    event = d.pick(("Cinema", "Museum", "Concert Hall", "City Zoo", "Theater Royal"))
    rows = [
        Row(kind, 1.8),
        Row(f"{start} - {end}" if rail else event),
        Row(f"{day} | {hour}"),
        Row(f"Seat {seat}"),
        Row(f"Price {money(price)}"),
        Row(f"No. {number}"),
    ]
    if d.chance(0.4):
        rows.insert(1, Row(name := person(d)))
        named = [Fact("to", name, "It is for {v}.")]
    else:
        named = []
    facts = [
        *named,
        Fact("date", day, "It is for {v}."),
        Fact("time", hour, "At {v}."),
        Fact("seat", seat, "The seat is {v}.", support=(f"Seat {seat}",)),
        Fact("entry", money(price), "It costs {v}."),
        Fact("number", number, "The number is {v}.", {"what": "ticket"}),
    ]
    if rail:
        facts.append(Fact("route", f"{start} - {end}", f"From {start} to {end}.", right=(start,)))
    about = ((f"It is a ticket for {day}", (day,)), (f", seat {seat}", (f"Seat {seat}",)))
    lacking = ("phone", "email", "web") + (() if named else ("to",))
    return Page(
        "ticket",
        ("a ticket", "pass"),
        tuple(rows),
        tuple(facts),
        about,
        ("ticket|pass",),
        title=kind,
        lacking=lacking,
    )


def price_tag(d: Draw) -> Page:
    item, money, price = d.name(GOODS), Money(d), d.whole(50, 9900)
    sale = d.chance(0.3)
    rows = ([Row("SALE", 2.0)] if sale else []) + [Row(capital(item)), Row(money(price), 2.5)]
    facts = [
        price_fact(item, money(price), money(price)),
        Fact("entry", money(price), "It costs {v}."),
        Fact("items", item, "It is for {v}.", short="{v}."),
    ]
    about = ((f"It is a price tag: {item} for {money(price)}", (item, money(price))),)
    return Page(
        "price tag",
        ("a price tag", "label"),
        tuple(rows),
        tuple(facts),
        about,
        ("price|tag",),
        lacking=("until", "shop", "date"),
    )


MAKERS = ((menu, 4.0), (ticket, 2.0), (price_tag, 1.0))
