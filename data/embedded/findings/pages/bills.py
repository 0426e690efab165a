"""Bills with small print: invoices of several countries with two columns, bills of craftsmen."""

from pathlib import Path

from data.embedded.findings import invented
from data.embedded.findings.draw import Draw
from data.embedded.findings.names import CITIES, LAST, SERVICES
from data.embedded.findings.pages.money import Money, address, date, person, price_fact
from data.embedded.findings.pages.page import Fact, Page, Row
from data.embedded.findings.words import capital

# Language: invoice number, issued, sold, due, paid by, transfer, seller, buyer, net, gross, all,
# to pay.
_TABLE = Path(__file__).with_name("invoices.txt").read_text(encoding="utf-8")
COLUMNS = tuple(tuple(line.split("; ")) for line in _TABLE.splitlines())
TRADES = (
    *("Roofing and gutters", "Garden care", "Clock repair", "House painting", "Window cleaning"),
    *("Dog grooming", "Bicycle repair", "Chimney sweeping", "Violin making", "Locks and keys"),
)
JOBS = (
    *("Cutting of hedge", "Painting of one wall", "Replacement of a lock", "Cleaning", "Delivery"),
    *("New brake pads", "Repair of gutter", "Tuning of harp", "Labor, 2 hours", "Spare parts"),
    *("Small parts", "Travel costs", "Inspection", "Sharpening of blades", "Oil change"),
)


def two_columns(d: Draw) -> Page:
    """An invoice with seller and buyer side by side, net and gross, and the sum to pay."""
    words = d.pick(COLUMNS) if d.chance(0.75) else COLUMNS[-1]
    language, no, issued, sold, due, how, way, seller, buyer, net, gross, total, pay = words
    of, to, money = invented.company(d), d.pick((invented.company(d), person(d))), Money(d)
    day, sale, last = date(d), date(d), date(d)
    number = f"{d.pick(('FV ', '', 'R-', '2026/'))}{d.whole(1, 9999)}/{d.whole(2019, 2027)}"
    items, percent = d.names(SERVICES, 1, 3), d.pick((23, 19, 20, 21, 22))
    nets = [d.whole(900, 49900) for _ in items]
    grosses = [round(n * (1 + percent / 100)) for n in nets]
    lines = [
        f"{i} {capital(x)} | 1 | {money(n)} | {percent}% | {money(g)}"
        for i, (x, n, g) in enumerate(zip(items, nets, grosses, strict=True), 1)
    ]
    sums = (
        f"{total} | {money(sum(nets))} | {money(sum(grosses) - sum(nets))} | {money(sum(grosses))}"
    )
    last_row = (
        f"{pay}: {money(sum(grosses))}" if d.chance(0.6) else f"{pay} | {money(sum(grosses))}"
    )
    rows = [
        Row(f"{no} {number}", d.pick((1.0, 1.8))),
        Row(f"{issued}: {day} | {sold}: {sale}" if d.chance(0.7) else f"{issued}: {day}"),
        Row(f"{due}: {last} | {how}: {way}"),
        Row(f"{seller} | {buyer}"),
        Row(f"{of} | {to}"),
        Row(f"{address(d)} | {address(d)}"),
        Row(f"{d.name(CITIES)} | {d.name(CITIES)}"),
        Row(f"{net} | % | {gross}"),
        *map(Row, lines),
        Row(sums),
        Row(last_row),
    ]
    pair = f"{of} | {to}"
    facts = [Fact("total", money(sum(grosses)), "The amount to pay is {v}.", support=(last_row,))]
    facts = facts * 4 + [
        Fact("net", money(sum(nets)), "It is {v} without tax.", support=(sums,)),
        Fact("tax", money(sum(grosses) - sum(nets)), "The tax is {v}.", support=(sums,)),
        Fact("shop", of, "It is from {v}.", support=(pair,)),
        Fact("to", to, "It is for {v}.", support=(pair,)),
        Fact("to", to, "The buyer is {v}.", support=(pair,)),
        Fact("date", day, "It was issued on {v}.", support=(f"{issued}: {day}",)),
        Fact("due", last, "It is due by {v}.", support=(f"{due}: {last}",)),
        Fact("number", number, "The number is {v}.", {"what": "invoice"}),
    ]
    about = (
        (f"It is an invoice from {of}", (pair,)),
        (f"to {to}", (pair,)),
        (f"for {money(sum(grosses))}", (last_row,)),
    )
    return Page(
        "invoice",
        ("an invoice", "bill"),
        tuple(rows),
        tuple(facts),
        about,
        ("invoice|bill",),
        title=f"{no} {number}",
        language=language,
        lacking=("phone", "email", "author"),
    )


def craft_bill(d: Draw) -> Page:
    """The bill of a craftsman, with the client beside the date and the sum at the foot."""
    owner = d.name(LAST)
    firm = d.pick((f"{owner} & Sons", f"{owner} Brothers", f"{owner} & Daughter", invented.shop(d)))
    client = f"{d.pick(('Mr.', 'Mrs.', 'Ms.', 'Dr.', 'Family'))} {person(d)}"
    day, money, number = date(d), Money(d), f"{d.whole(1, 2999):04}"
    items, word = d.names(JOBS, 2, 4), d.pick(("Amount due", "Total", "To pay", "Balance", "Sum"))
    prices = [d.whole(900, 29900) for _ in items]
    to, no = d.pick(("To", "For", "Bill to", "Client")), d.pick(("Bill no.", "No.", "Invoice"))
    priced = [f"{x} | {money(p)}" for x, p in zip(items, prices, strict=True)]
    total = f"{word} | {money(sum(prices))}"
    together = d.chance(0.6)
    rows = [
        Row(firm.upper() if d.chance(0.5) else firm, d.pick((1.2, 1.8))),
        Row(f"{d.name(TRADES)} \u00b7 {address(d)}, {d.name(CITIES)}"),
        *([Row(f"{to}: {client} | {day}")] if together else [Row(day), Row(f"{to}: {client}")]),
        Row(f"{no} {number}"),
        *map(Row, priced),
        Row(total),
        Row(d.pick(("Payable by check or cash.", "Payment within 14 days.", "With thanks."))),
        Row(f"{d.pick('ABCDEFGHJKLM')}. {owner}"),
    ]
    facts = [Fact("total", money(sum(prices)), "The amount to pay is {v}.", support=(total,))] * 3
    facts += [
        *[Fact("to", client, "It is for {v}.", support=(f"{to}: {client}",))] * 3,
        Fact("shop", rows[0].text, "It is from {v}."),
        Fact("date", day, "It is dated {v}."),
        Fact("number", number, "The number is {v}.", {"what": "bill"}, right=(number,)),
    ]
    facts += [price_fact(x, money(p), r) for x, p, r in zip(items, prices, priced, strict=True)]
    about = (
        (f"It is a bill from {rows[0].text}", (rows[0].text,)),
        (f"to {client}", (client,)),
        (f"for {money(sum(prices))}", (total,)),
    )
    return Page(
        "bill",
        ("a bill", "invoice"),
        tuple(rows),
        tuple(facts),
        about,
        ("bill|invoice",),
        title=rows[0].text,
        lacking=("tax", "tax", "phone", "email", "due", "net"),
    )


MAKERS = ((two_columns, 5.0), (craft_bill, 4.0))
