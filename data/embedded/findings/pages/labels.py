"""Labels, brands on things, plates beside doors."""

from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import NO, YES, exactly
from data.embedded.findings.names import BRANDS, GOODS, LAST, MAKES
from data.embedded.findings.pages.money import clock, date, phone
from data.embedded.findings.pages.page import Fact, Page, Row
from data.embedded.findings.pages.signs import sign
from data.embedded.findings.words import a, capital
from vlm.experts.findings import Thing

BRANDED = {  # things that carry a brand, and the detector's class
    **{
        "car": "car",
        "truck": "truck",
        "motorcycle": "motorcycle",
        "bus": "bus",
        "laptop": "laptop",
    },
    **{"bottle": "bottle", "can": "bottle", "shirt": "person", "cup": "cup", "bag": "handbag"},
    **{
        "phone": "cell phone",
        "clock": "clock",
        "bicycle": "bicycle",
        "refrigerator": "refrigerator",
    },
}


def brand(d: Draw) -> Page:
    """A brand on a thing: two in three are made up, so that none is known by heart."""
    name = d.name(BRANDS) if d.chance(0.66) else d.name(MAKES)
    what = d.pick(list(BRANDED))
    extra = d.some((str(d.whole(2, 990)), "SPORT", "TURBO", "Since 1921", "PREMIUM", "2.0"), 0, 2)
    rows = (Row(name, 2), *(Row(x, 0.9) for x in extra))
    box = (0.2, 0.2, 0.85, 0.9)
    color = d.pick(("black", "white", "red", "blue", "green", "gray"))
    things = (Thing(BRANDED[what], round(d.between(0.5, 0.9), 2), box, color),)
    facts = [Fact("brand", name, "The brand is {v}.", {"x": what}, "text")] * 3
    facts.append(Fact("says", name, 'It says "{v}".', kind="text"))
    rest = Fact("year", "\0", slots={"x": what})
    facts.append(rest)
    page = sign(
        "brand",
        f"a {what}",
        rows,
        [f for f in facts if f is not rest],
        "",
        ("entry", "date", "from"),
    )
    return Page(
        **{
            **vars(page),
            "things": things,
            "about": ((f"It shows {a(what)} with the name {name}", (name,)),),
            "about_right": (exactly(name),),
        }
    )


def label(d: Draw) -> Page:
    """A label on food or medicine: contents, weight, last day. No advice beyond its words."""
    item, maker, until = d.name(GOODS), d.name(BRANDS), date(d)
    weight = d.pick(
        (f"{d.whole(1, 19) * 50} g", f"{d.whole(1, 3)} kg", f"{d.whole(2, 9) * 100} ml")
    )
    inside = d.some(
        ("wheat", "milk", "sugar", "salt", "soy", "nuts", "palm oil", "egg", "cocoa"), 2, 4
    )
    others = [x for x in ("sesame", "fish", "mustard", "celery", "honey") if x not in inside]
    ingredients = f"Ingredients: {', '.join(inside)}"
    rows = (
        Row(maker, 2),
        Row(capital(item), 1.4),
        Row(ingredients),
        Row(f"Net weight {weight}"),
        Row(f"Best before {until}"),
    )
    facts = [
        Fact("until", until, "It is good until {v}.", support=(f"Best before {until}",)),
        Fact("brand", maker, "The brand is {v}.", {"x": item}),
        Fact("field", weight, "The weight is {v}.", {"field": "weight"}),
        Fact("needs", ", ".join(inside), "It lists {v}.", support=(ingredients,)),
    ]
    there, absent = d.pick(inside), d.pick(others)
    facts.append(
        Fact(
            "contains",
            "",
            f"Yes, {there} is listed.",
            {"x": there},
            right=(YES,),
            wrong=(NO,),
            support=(ingredients,),
            short="Yes.",
        )
    )
    facts.append(
        Fact(
            "contains",
            "",
            f"{capital(absent)} is not listed in the text I read.",
            {"x": absent},
            right=(NO, "not listed|don't see"),
            wrong=(YES,),
            support=(ingredients,),
            short=f"I don't see {absent} among the ingredients.",
        )
    )
    about = ((f"It is a label of {item} by {maker}", (maker,)), (f"best before {until}", (until,)))
    return Page(
        "label",
        ("a label", "package"),
        rows,
        tuple(facts),
        about,
        (f"label|{item}",),
        is_sign=True,
        lacking=("total", "phone", "email"),
    )


def medicine(d: Draw) -> Page:
    """The package of a medicine: what is printed is quoted, and nothing is advised."""
    name, firm = d.name(BRANDS), d.name(LAST)
    strong, number = f"{d.whole(1, 20) * 50} mg", str(d.whole(1, 5) * 10)
    use = d.pick(
        ("Take 1 tablet twice daily", "1 tablet in the evening", "Adults: 2 tablets a day")
    )
    dosed = d.chance(0.4)
    rows = [Row(name, 2), Row(f"{strong} tablets"), Row(f"{number} tablets | {firm} Pharma")]
    rows += [Row(use)] if dosed else [Row("Read the package leaflet")]
    facts = [
        Fact("brand", name, "The name is {v}.", {"x": "medicine"}),
        Fact("field", strong, "A tablet has {v}.", {"field": "strength"}),
    ]
    lacking = ["until", "total", "phone"]
    advice = "Please ask a doctor or a pharmacist."
    if dosed:
        short = f'The text says "{{v}}". {advice}'
        facts += [Fact("dose", use, short, right=("doctor",), short=short)] * 2
    else:
        gap = f"I can't tell; the text doesn't give a dose. {advice}"
        fact = Fact(
            "dose", gap, "{v}", {}, "unanswerable", ("doctor",), support=(name,), short="{v}"
        )
        facts += [fact, fact]
    about = ((f"It is a package of {name} tablets, {strong}", (name, strong)),)
    return Page(
        "label",
        ("a package of medicine", "label"),
        tuple(rows),
        tuple(facts),
        about,
        (f"medicine|tablet|{exactly(name)}",),
        is_sign=True,
        lacking=tuple(lacking),
    )


def door_plate(d: Draw) -> Page:
    name, room, hours = f"Dr. {d.name(LAST)}", str(d.whole(100, 499)), f"{clock(d)} - {clock(d)}"
    rows = (
        Row(name, 1.6),
        Row(f"Room {room}"),
        Row(f"Office hours: {hours}"),
        Row(f"Tel. {(tel := phone(d))}"),
    )
    facts = [
        Fact("number", room, "It is room {v}.", {"what": "room"}),
        Fact("hours", hours, "They are {v}.", {"day": "Monday"}),
        Fact("phone", tel, "The number is {v}."),
        Fact("field", name, "The name is {v}.", {"field": "name"}),
    ]
    facts[1] = Fact("hours", hours, "The office hours are {v}.", {"day": "weekdays"})
    return sign("door plate", "a door sign", rows, facts, "", ("email", "entry"))


MAKERS = ((brand, 4.0), (label, 2.0), (medicine, 1.5), (door_plate, 1.0))
