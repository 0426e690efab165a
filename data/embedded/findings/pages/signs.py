"""Signs, notices, shop fronts, labels and brands on things."""

from data.embedded.findings import invented
from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import NO, YES, exactly
from data.embedded.findings.names import DAYS, STREETS
from data.embedded.findings.pages.page import Fact, Page, Row
from data.embedded.findings.pages.sign_texts import FORBIDDEN, FOREIGN, RULES, WARNINGS
from data.embedded.findings.words import capital
from vlm.experts.findings import Thing


# Rows, what it means, and what is allowed: act, acting, yes or no.
def rule(d: Draw) -> Page:
    text, meaning, acts = d.name(RULES) if d.chance(0.5) else forbidden(d)
    rows = tuple(
        Row(t.upper() if d.chance(0.2) else t, d.between(1.5, 3)) for t in text.split(" / ")
    )
    first = rows[0].text
    facts = [
        Fact(
            "sign says",
            text,
            right=(exactly(first),),
            support=tuple(r.text for r in rows),
            short=f'"{", ".join(r.text for r in rows)}"' + ".",
            full=f'It says "{", ".join(r.text for r in rows)}".',
            kind="text",
        ),
        Fact(
            "means",
            meaning,
            f'It says "{first}": {meaning}.',
            support=(first,),
            right=(meaning.split()[-1],),
            short=f"{capital(meaning)}.",
        ),
    ]
    said = ", ".join(r.text for r in rows)
    for act, acting, good in acts * 2:
        short = d.pick(
            ("Yes.", f'Yes, the sign says "{said}".')
            if good
            else ("No.", f'No, the sign says "{said}".', f"No, {acting} is not allowed.")
        )
        facts.append(
            Fact(
                "allowed",
                "",
                f'{"Yes" if good else "No"}, it says "{said}".',
                {"act": act, "acting": acting},
                right=(YES,) if good else (NO, "not allowed"),
                wrong=(NO,) if good else (YES,),
                support=tuple(r.text for r in rows),
                short=short,
            )
        )
    return sign("rule sign", "a sign", rows, facts, meaning, ("price", "until", "phone"))


def forbidden(d: Draw) -> tuple[str, str, tuple[tuple[str, str, bool], ...]]:
    """A notice that forbids something, put together from its parts."""
    act, acting = d.name(FORBIDDEN)
    first, end = d.pick(("NOTICE", "WARNING", "ATTENTION", "")), d.pick(("AT ALL TIMES", "", ""))
    how = d.pick(("PROHIBITED", "FORBIDDEN", "NOT ALLOWED", "NOT PERMITTED", "NO"))
    core = f"NO / {acting}" if how == "NO" else f"{acting} / {how}"
    form = d.pick(("rows", "words", "line", "line"))
    if form != "rows":
        core = " ".join(core.split(" / "))
    if form == "words" and how != "NO":
        core = " / ".join(core.split(" "))
    text = " / ".join(x for x in (first, core.upper(), end) if x)
    return text, f"{acting} is not allowed here", ((act, acting, False),)


def sign(
    world: str,
    name: str,
    rows: tuple[Row, ...],
    facts: list[Fact],
    meaning: str,
    lacking: tuple[str, ...] = (),
) -> Page:
    first = rows[0].text
    about = (
        (f'It is {name} with the words "{first}"', (first,)),
        (f": {meaning}" if meaning else "", (first,)),
    )
    lacking = (*(x for x in lacking if x != "price"), "facility", "room")
    return Page(
        world,
        (name, "notice"),
        rows,
        tuple(facts),
        about,
        ("sign|notice|label|front|" + exactly(first),),
        lacking=lacking,
        is_sign=True,
    )


def speed_limit(d: Draw) -> Page:
    number = str(d.whole(1, 13) * 10)
    unit = d.pick(("", "", " km/h", " mph"))
    text = d.pick((f"{number}{unit}", f"SPEED LIMIT {number}{unit}", f"MAX {number}{unit}"))
    rows: tuple[Row, ...] = (Row(text, 3),)
    sure = text != number
    full = "The limit is {v}." if sure else "The sign says {v}, so the limit is probably {v}."
    facts = [
        Fact("limit", f"{number}{unit}", full, right=(rf"\b{number}\b",)),
        Fact("sign says", text, 'It says "{v}".', kind="text"),
        Fact("means", number, full, right=(rf"\b{number}\b",)),
    ]
    if sure:
        fast = int(number) + d.pick((-10, 10, 20))
        good = fast <= int(number)
        facts.append(
            Fact(
                "allowed",
                "",
                f"{'Yes' if good else 'No'}, the limit is {number}{unit}.",
                {"act": f"drive {fast}", "acting": f"driving {fast}"},
                right=(YES,) if good else (NO,),
                wrong=(NO,) if good else (YES,),
                support=(text,),
                short="Yes." if good else "No.",
            )
        )
    return sign(
        "speed sign",
        "a sign",
        rows,
        facts,
        f"a speed limit of {number}{unit}" if sure else "",
        ("where",),
    )


def warning(d: Draw) -> Page:
    text, danger = d.name(WARNINGS)
    rows = tuple(Row(t, d.between(1.5, 3)) for t in text.split(" / "))
    said = ", ".join(r.text for r in rows)
    key = (danger.split()[-1],)
    support = tuple(r.text for r in rows)
    facts = [
        Fact(
            "warning",
            danger,
            f'It warns of {danger}: "{said}".',
            right=key,
            support=support,
            short=f"{capital(danger)}.",
        ),
        Fact(
            "means",
            danger,
            f"It warns of {danger}.",
            right=key,
            support=support,
            short=f"It warns of {danger}.",
        ),
        Fact(
            "sign says",
            said,
            'It says "{v}".',
            right=(exactly(rows[0].text),),
            support=support,
            short='"{v}".',
            kind="text",
        ),
    ]
    return sign("warning sign", "a warning sign", rows, facts, f"it warns of {danger}", ("phone",))


def shop_front(d: Draw) -> Page:
    shop = invented.shop(d)
    shown = shop.upper() if d.chance(0.4) else shop
    first, last = d.some(range(5), 2, 2)
    opens, closes = (
        f"{d.whole(7, 10)}:{d.pick(('00', '30'))}",
        f"{d.whole(16, 21)}:{d.pick(('00', '30'))}",
    )
    rows, facts = [Row(shown, 3)], [Fact("shop", shown, "The name is {v}.")]
    facts.append(Fact("sign says", shown, 'It says "{v}".', kind="text"))
    lacking = ["phone", "entry", "email"]
    if d.chance(0.5):
        low, high = sorted((first, last))
        span = (
            f"{DAYS[low]} - {DAYS[high]}" if d.chance(0.5) else f"{DAYS[low][:3]}-{DAYS[high][:3]}"
        )
        hours = f"{opens} - {closes}"
        row = f"{span} {hours}"
        rows += [Row("Opening hours"), Row(row), Row("Sunday closed")]
        facts += [
            Fact("hours", hours, "It is open {v}.", {"day": DAYS[low]}, support=(row,)),
            Fact(
                "hours",
                "Sunday closed",
                "It is closed on Sunday.",
                {"day": "Sunday"},
                right=("closed",),
                short="It is closed on Sunday.",
            ),
        ]
    else:
        lacking.append("hours")
    things: tuple[Thing, ...] = ()
    if d.chance(0.4):
        things = (Thing("person", 0.7, (0.6, 0.5, 0.75, 0.95), d.pick(("black", "blue", "red"))),)
    page = sign("shop front", "a sign", tuple(rows), facts, "", tuple(lacking))
    return Page(**{**vars(page), "things": things})


def street_sign(d: Draw) -> Page:
    street = d.name(STREETS)
    shown = street.upper() if d.chance(0.5) else street
    facts = [
        Fact("address", shown, "It is {v}."),
        Fact("sign says", shown, 'It says "{v}".', kind="text"),
    ]
    return sign("street sign", "a street sign", (Row(shown, 3),), facts, "", ("phone", "date"))


def foreign(d: Draw) -> Page:
    language, text, meaning = d.name(FOREIGN)
    rows = (Row(text.upper() if d.chance(0.3) and text.isascii() else text, 3),)
    facts = [Fact("language", language, "It is {v}.", support=(rows[0].text,), kind="text")] * 2
    facts += [
        Fact("sign says", rows[0].text, 'It says "{v}".', kind="text"),
        Fact(
            "means",
            meaning,
            "It is {l} for {v}.".replace("{l}", language),
            right=(meaning.split()[-1],),
            support=(rows[0].text,),
            short=f"It means {meaning.removeprefix('that ')}.",
        ),
    ]
    return Page(**{**vars(sign("foreign sign", "a sign", rows, facts, "")), "language": language})


MAKERS = (
    *((rule, 5.0), (speed_limit, 1.5), (warning, 2.0), (shop_front, 3.0), (street_sign, 1.0)),
    *((foreign, 1.5),),
)
