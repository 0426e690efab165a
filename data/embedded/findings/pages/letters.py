"""Letters, e-mails, forms, cards, posters, articles, pages of books, recipes."""

from data.embedded.findings import invented
from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import NO, YES
from data.embedded.findings.names import (
    CITIES,
    DAYS,
    FIRST,
    GOODS,
    LAST,
)
from data.embedded.findings.pages.money import address, clock, date, person, phone
from data.embedded.findings.pages.page import Fact, Page, Row
from data.embedded.findings.words import capital

MATTERS = (  # subject, a sentence about it
    ("your appointment on {day}", "please bring your insurance card and come ten minutes early."),
    ("a change of our opening hours", "from {date} on we close at six in the evening."),
    ("your order", "the parcel was sent on {date} and should arrive soon."),
    ("the water meter", "our technician will read the meter on {day} morning."),
    ("the annual meeting", "it takes place on {date} in the large hall."),
    ("your application", "we are pleased to invite you to an interview on {date}."),
    ("the broken heating", "the repair is planned for {day}, and someone has to be at home."),
    ("the school trip", "the bus leaves on {date} at eight o'clock sharp."),
    ("your library books", "three books are overdue; please return them by {date}."),
    ("a rent increase", "from {date} the monthly rent will be a little higher."),
    ("the new software", "all computers will be updated on {day} night."),
    ("the summer party", "please tell us by {date} whether you will come."),
    ("your subscription", "it ends on {date} unless you renew it."),
    ("the lost parcel", "we could not find it and will send a new one on {date}."),
    ("a power cut in your street", "there will be no power on {day} between nine and noon."),
)
GREETINGS = ("Dear {to},", "Hello {to},", "Dear Ms. {last},", "Dear Mr. {last},")
CLOSINGS = ("Yours sincerely,", "Kind regards,", "Best wishes,", "With best regards,", "Sincerely,")
FORMS = {
    "Membership Form": ("First name", "Last name", "Date of birth", "City", "Signature"),
    "Order Form": ("Name", "Article", "Quantity", "Phone", "Date"),
    "Registration": ("Full name", "Company", "E-mail", "Country", "Workshop"),
    "Leave Request": ("Employee", "Department", "From", "To", "Approved by"),
    "Questionnaire": ("Name", "Street", "City", "Phone", "Comments"),
    "Visitor Sheet": ("Visitor", "Company", "Host", "Arrival", "Badge number"),
}


def letter(d: Draw) -> Page:
    mail = d.chance(0.4)
    sender, to = person(d), person(d)
    company, day = invented.company(d), date(d)
    subject, sentence = d.pick(MATTERS)
    weekday, when = d.pick(DAYS), date(d)
    subject = subject.format(day=weekday, date=when)
    sentence = sentence.format(day=weekday, date=when)
    greeting = d.pick(GREETINGS).format(to=to.split()[0], last=to.split()[1])
    box = f"{sender.split()[0].lower()}@{company.split()[0].lower()}.com"
    facts = [
        Fact("from", sender, "It is from {v}."),
        Fact("subject", subject, "It is about {v}.", short="{v}.", right=(subject.split()[-1],)),
    ]
    if mail:
        rows = [
            f"From: {sender} <{box}>",
            f"To: {to}",
            f"Subject: {capital(subject)}",
            f"Date: {day}",
        ]
        facts += [Fact("to", to, "It is to {v}."), Fact("email", box, "The address is {v}.")]
        lacking = ["phone", "address", "total"]
    else:
        rows = [company, address(d), d.name(CITIES), f"{day}", to, f"Re: {subject}"]
        facts += [
            Fact("shop", company, "It is from {v}."),
            Fact("to", to, "It is addressed to {v}."),
        ]
        lacking = ["email", "total", "web"]
    facts.append(Fact("date", day, "It is dated {v}."))
    rows += [greeting, *wrap(capital(sentence)), d.pick(CLOSINGS), sender]
    if not mail and d.chance(0.3):
        rows.append(f"Tel. {(tel := phone(d))}")
        facts.append(Fact("phone", tel, "The phone number is {v}."))
    elif not mail:
        lacking.append("phone")
    what = "an e-mail" if mail else "a letter"
    about = (
        (f"It is {what} from {sender}", (sender,)),
        (f"about {subject}", (subject[1:],)),
        (f"; {sentence.rstrip('.')}", tuple(sentence.split()[:2])),
    )
    return Page(
        "email" if mail else "letter",
        (what, "message"),
        tuple(map(Row, rows)),
        tuple(facts),
        about,
        (rf"letter|mail|{subject.split()[-1]}",),
        title="",
        lacking=tuple(lacking),
    )


def wrap(text: str, width: int = 44) -> list[str]:
    """Breaks a sentence into lines as a page does."""
    lines, line = [], ""
    for word in text.split():
        if len(line) + len(word) > width:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return [*lines, line]


def form(d: Draw) -> Page:
    title = d.name(list(FORMS))
    labels = FORMS[title]
    empty = d.chance(0.3)
    values = {
        **dict.fromkeys(("Date of birth", "Date", "From", "To"), None),
        **{"First name": d.name(FIRST), "Last name": d.name(LAST), "City": d.name(CITIES)},
        **{"Article": d.name(GOODS), "Quantity": str(d.whole(1, 40)), "Phone": phone(d)},
        **{"Country": d.pick(("Ireland", "Norway", "Kenya", "Chile")), "Arrival": clock(d)},
        **{"E-mail": f"{d.name(FIRST).lower()}@mail.org", "Workshop": invented.title(d)},
        **{"Department": d.pick(("Sales", "Finance", "Research")), "Company": invented.company(d)},
        **{"Street": address(d), "Badge number": str(d.whole(100, 999))},
    }
    rows, facts = [Row(title, d.pick((1.2, 1.8)))], [Fact("title", title, "The heading is {v}.")]
    for label in labels:
        filled = not empty and d.chance(0.85) and label not in ("Comments", "Signature")
        value = (values.get(label) or (date(d) if label in values else person(d))) if filled else ""
        rows.append(
            Row(f"{label}: {value}".strip() if d.chance(0.6) else f"{label} | {value}".strip(" |"))
        )
        slots = {"field": label.lower()}
        gap = f"I can't tell: {label.lower()} is empty."
        if value:
            facts.append(
                Fact(
                    "field", value, f"The {label.lower()} is {{v}}.", slots, support=(value, label)
                )
            )
            facts.append(Fact("filled", value, "Yes: {v}.", slots, right=(YES,), short="Yes, {v}."))
        else:
            facts.append(
                Fact(
                    "field",
                    gap,
                    "{v}",
                    slots,
                    "unanswerable",
                    ("empty|not filled|blank",),
                    support=(label,),
                    short="{v}",
                )
            )
            facts.append(
                Fact("filled", "No", "{v}, it is empty.", slots, right=(NO,), support=(label,))
            )
    rows.append(Row(d.pick(("Please print clearly", "Return to the front desk", "Thank you"))))
    state = "an empty form" if empty else "a form"
    about = ((f"It is {state}: {title}", (title,)),)
    return Page(
        "form",
        ("a form", "questionnaire"),
        tuple(rows),
        tuple(facts),
        about,
        ("form",),
        title=title,
        lacking=("total", "web"),
    )


def prose(d: Draw) -> Page:
    """A page of a book or an article."""
    title, author, number = invented.title(d), person(d), str(d.whole(3, 480))
    sentences = invented.sentences(d, 2, 5)
    text = [line for sentence in sentences for line in wrap(sentence)]
    titled, named, counted = d.chance(0.8), d.chance(0.5), d.chance(0.5)
    rows = ([Row(title, d.pick((1.3, 2.0)))] if titled else []) + (
        [Row(f"by {author}")] if named else []
    )
    rows += [*map(Row, text), *([Row(number)] if counted else [])]
    facts, lacking = [], ["total", "phone", "date"]
    if titled:
        facts += [Fact("title", title, "The title is {v}.")] * 2
    if named:
        facts.append(Fact("author", author, "It is by {v}.", support=(f"by {author}",)))
    else:
        lacking.append("author")
    if counted:
        facts.append(Fact("page number", number, "It is page {v}."))
    else:
        lacking.append("page number")
    what = "a page of a text" + (f' called "{title}"' if titled else "")
    first = sentences[0].rstrip(".")
    about = (
        (f"It is {what}", (title,) if titled else ()),
        (f'. It begins: "{first}"', tuple(wrap(sentences[0]))),
    )
    return Page(
        "text",
        ("a page of text", "article", "book"),
        tuple(rows),
        tuple(facts),
        about,
        (r"\b" + (title.split()[-1] if titled else first.split()[-1]),),
        title=title if titled else "",
        lacking=tuple(lacking),
    )


MAKERS = ((letter, 5.0), (form, 4.0), (prose, 5.0))
