"""Pages with prices: receipts, invoices, menus, price lists, tickets."""

from data.embedded.findings import invented
from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import number_pattern
from data.embedded.findings.names import (
    FIRST,
    GOODS,
    LAST,
    MONTHS,
    SERVICES,
    STREETS,
)
from data.embedded.findings.pages.page import Fact, Page, Row
from data.embedded.findings.words import capital, enumerate_words, number_word

LABELS = {  # language: invoice, date, total, tax, due, for
    "English": ("Invoice", "Date", "Total due", "VAT", "Due date", "Bill to"),
    "German": ("Rechnung", "Datum", "Gesamtbetrag", "MwSt.", "Zahlbar bis", "An"),
    "French": ("Facture", "Date", "Total TTC", "TVA", "Payable avant", "Client"),
    "Spanish": ("Factura", "Fecha", "Importe total", "IVA", "Vencimiento", "Cliente"),
    "Italian": ("Fattura", "Data", "Totale", "IVA", "Scadenza", "Cliente"),
    "Dutch": ("Factuur", "Datum", "Totaal", "BTW", "Betalen voor", "Aan"),
}


def person(d: Draw) -> str:
    return f"{d.name(FIRST)} {d.name(LAST)}"


def address(d: Draw) -> str:
    number, street = d.whole(1, 240), d.name(STREETS)
    return f"{street} {number}" if d.chance(0.4) else f"{number} {street}"


def phone(d: Draw) -> str:
    forms = (
        f"0{d.whole(20, 99)} {d.whole(1000, 9999)} {d.whole(100, 999)}",
        f"+{d.whole(30, 49)} {d.whole(100, 999)} {d.whole(1000, 9999)}",
        f"({d.whole(201, 899)}) {d.whole(200, 999)}-{d.whole(1000, 9999)}",
        f"{d.whole(201, 899)}-{d.whole(200, 999)}-{d.whole(1000, 9999)}",
    )
    return d.pick(forms)


def date(d: Draw) -> str:
    day, month, year = d.whole(1, 28), d.whole(1, 12), d.whole(2019, 2027)
    forms = (
        f"{day:02}.{month:02}.{year}",
        f"{month:02}/{day:02}/{year}",
        f"{year}-{month:02}-{day:02}",
        f"{day} {MONTHS[month - 1]} {year}",
        f"{MONTHS[month - 1]} {day}, {year}",
        f"{day} {MONTHS[month - 1][:3]} {year}",
    )
    return d.pick(forms)


def clock(d: Draw) -> str:
    hour, minute = d.whole(6, 21), d.pick((0, 5, 10, 15, 20, 30, 40, 45, 50))
    return d.pick((f"{hour:02}:{minute:02}", f"{hour}:{minute:02}"))


class Money:
    """Writes amounts in one currency."""

    def __init__(self, d: Draw) -> None:
        self.form = d.pick(("{}", "{}", "${}", "\u00a3{}", "{} EUR", "\u20ac{}", "{} \u20ac"))
        self.comma = "EUR" in self.form and d.chance(0.5)

    def __call__(self, cents: int) -> str:
        text = f"{cents // 100}.{cents % 100:02}"
        return self.form.format(text.replace(".", ",") if self.comma else text)


def receipt(d: Draw) -> Page:
    shop, day, money = invented.shop(d), date(d), Money(d)
    items = d.names(GOODS, 1, 8)
    prices = [d.whole(35, 2899) for _ in items]
    total, tax = sum(prices), round(sum(prices) * 0.08)
    dotted = d.pick((" | ", " | ", " "))
    word = d.pick(("TOTAL", "Total", "Total due", "SUM", "Amount due", "Balance due", "TO PAY"))
    how = d.pick(("CASH", "VISA", "Mastercard", "Debit card", "Cash"))
    rows = [Row(shop.upper() if d.chance(0.4) else shop, d.pick((1.0, 1.6, 2.0)))]
    rows += [Row(address(d))] if d.chance(0.5) else []
    tel = phone(d)
    has_tel = d.chance(0.4)
    rows += [Row(f"Tel. {tel}")] if has_tel else []
    has_day = d.chance(0.85)
    rows += [Row(f"{day} {clock(d)}" if d.chance(0.6) else day)] if has_day else []
    labels = [f"1 x {x}" if d.chance(0.1) else (capital(x) if d.chance(0.5) else x) for x in items]
    priced = [f"{x}{dotted}{money(p)}" for x, p in zip(labels, prices, strict=True)]
    rows += [Row(text) for text in priced]
    taxed = d.chance(0.45)
    rows += [Row(f"Tax{dotted}{money(tax)}")] if taxed else []
    rows += [Row(f"{word}{dotted}{money(total)}")]
    paid = d.chance(0.6)
    rows += (
        [Row(f"{how}{dotted}{money(total)}" if d.chance(0.5) else f"Paid by {how}")] if paid else []
    )
    rows += [Row(d.pick(("Thank you!", "Thanks for your visit", "Please come again")))]
    facts = [
        Fact("total", money(total), "The total is {v}.", support=(f"{word}{dotted}{money(total)}",))
    ] * 3
    facts += [price_fact(x, money(p), row) for x, p, row in zip(items, prices, priced, strict=True)]
    facts.append(Fact("shop", rows[0].text, "It is from {v}."))
    facts.append(_num_items(len(items), priced))
    facts.append(_items(items, priced))
    if has_day:
        facts.append(Fact("date", day, "It is from {v}."))
    if has_tel:
        facts.append(Fact("phone", tel, "The phone number is {v}."))
    if taxed:
        facts.append(Fact("tax", money(tax), "The tax is {v}."))
    if paid:
        facts.append(Fact("paid how", how, "It was paid by {v}."))
    if len(set(prices)) == len(prices) > 1:
        facts += extremes(items, prices, money, priced)
    lacking = [k for k, on in (("date", has_day), ("phone", has_tel), ("tax", taxed)) if not on]
    lacking += ["paid how"] * (not paid) + ["email", "from", "web"]
    what = f"a receipt from {rows[0].text}"
    about = (
        (f"It is {what}", (rows[0].text,)),
        (f"with a total of {money(total)}", (money(total),)),
    )
    return Page(
        "receipt",
        ("a receipt", "bill"),
        tuple(rows),
        tuple(facts),
        about,
        ("receipt|bill",),
        lacking=tuple(lacking),
    )


def price_fact(item: str, price: str, row: str) -> Fact:
    return Fact("price", price, f"The {item} costs {{v}}.", {"x": item}, support=(row,))


def _num_items(number: int, rows: list[str]) -> Fact:
    return Fact(
        "num items",
        number_word(number),
        "There are {v} items on it." if number > 1 else "There is {v} item on it.",
        right=(number_pattern(number),),
        support=tuple(rows),
        short=capital(number_word(number)) + ".",
    )


def _items(items: list[str], rows: list[str]) -> Fact:
    words = enumerate_words(items)
    return Fact(
        "items",
        words,
        "It lists {v}.",
        right=(items[0],),
        support=tuple(rows),
        short=capital(words) + ".",
    )


def extremes(items: list[str], prices: list[int], money: Money, rows: list[str]) -> list[Fact]:
    facts = []
    for about, best in (("dearest", max(prices)), ("cheapest", min(prices))):
        item = items[prices.index(best)]
        full = f"The {item}, at {money(best)}."
        facts.append(
            Fact(about, item, full, right=(item,), support=tuple(rows), short=capital(item) + ".")
        )
    return facts


def invoice(d: Draw) -> Page:
    language = d.pick(("English", "English", "English", *LABELS))
    title, date_word, total_word, tax_word, due_word, to_word = LABELS[language]
    company, client, money = invented.company(d), person(d), Money(d)
    day, due, number = (
        date(d),
        date(d),
        f"{d.pick(('', 'INV-', 'R', '2026-'))}{d.whole(1001, 99999)}",
    )
    items = d.names(SERVICES, 1, 4)
    prices = [d.whole(900, 89900) for _ in items]
    tax = round(sum(prices) * 0.2)
    total = sum(prices) + tax
    priced = [f"{x} | {money(p)}" for x, p in zip(items, prices, strict=True)]
    if d.chance(0.5):
        priced = [f"{x} | {d.whole(1, 9)} | {money(p)}" for x, p in zip(items, prices, strict=True)]
    total_row = f"{total_word} | {money(total)}"
    rows = [
        Row(company, 1.2),
        Row(address(d)),
        Row(f"{title} {number}", d.pick((1.0, 1.8))),
        Row(f"{date_word}: {day}"),
        Row(f"{to_word}: {client}"),
        *map(Row, priced),
        Row(f"{tax_word} | {money(tax)}"),
        Row(total_row),
    ]
    facts = [Fact("total", money(total), "The amount to pay is {v}.", support=(total_row,))] * 3
    facts += [price_fact(x, money(p), r) for x, p, r in zip(items, prices, priced, strict=True)]
    facts += [
        Fact("shop", company, "It is from {v}."),
        Fact("to", client, "It is for {v}."),
        Fact("date", day, "It is dated {v}.", support=(f"{date_word}: {day}",)),
        Fact("number", number, "The number is {v}.", {"what": "invoice"}),
        Fact("tax", money(tax), "The tax is {v}."),
        _num_items(len(items), priced),
    ]
    lacking = ["phone", "email", "paid how"]
    if d.chance(0.6):
        rows.append(Row(f"{due_word}: {due}"))
        facts.append(Fact("due", due, "It is due by {v}.", support=(f"{due_word}: {due}",)))
    else:
        lacking.append("due")
    if d.chance(0.3):
        iban = (
            f"DE{d.whole(10, 99)} {d.whole(1000, 9999)} {d.whole(1000, 9999)} {d.whole(1000, 9999)}"
        )
        rows.append(Row(f"IBAN {iban}"))
    about = (
        (f"It is an invoice from {company}", (company,)),
        (f"to {client}", (client,)),
        (f"for {money(total)}", (money(total),)),
    )
    return Page(
        "invoice",
        ("an invoice", "bill"),
        tuple(rows),
        tuple(facts),
        about,
        ("invoice|bill",),
        title=f"{title} {number}",
        language=language,
        lacking=tuple(lacking),
    )


MAKERS = ((receipt, 5.0), (invoice, 4.0))
