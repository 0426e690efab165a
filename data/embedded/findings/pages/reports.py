"""Papers, official forms, filler text, windows of programs, screens with a clock."""

from data.embedded.findings import invented
from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import exactly
from data.embedded.findings.names import CITIES, DAYS, MONTHS
from data.embedded.findings.pages.letters import wrap
from data.embedded.findings.pages.money import person
from data.embedded.findings.pages.page import Fact, Page, Row
from data.embedded.findings.words import enumerate_words

FILLER = (
    *("Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt",),
    *("Ut enim ad minim veniam, quis nostrud exercitation ullamco laboris nisi ut aliquip",),
    *("Duis aute irure dolor in reprehenderit in voluptate velit esse cillum dolore eu fugiat",),
    *("Excepteur sint occaecat cupidatat non proident, sunt in culpa qui officia deserunt",),
    *("Nam libero tempore, cum soluta nobis est eligendi optio cumque nihil impedit quo minus",),
)
SUBJECTS = (  # of reports: topic, what they deal with
    ("Soil Moisture in Vineyards", "We measured how wet the soil is in twelve vineyards."),
    ("A Survey of Night Buses", "This report counts the passengers of night buses."),
    ("Noise near Schools", "We describe the noise in front of nine schools."),
    ("Measuring a Pendulum", "The experiment shows how the length of a pendulum sets its period."),
    ("Bees and Pesticides", "We study how bees find flowers after spraying."),
    ("The printmap Package", "This package prints maps with LaTeX."),
    ("Bridges of the County", "The document lists all bridges and their state."),
    ("Cooling of Coffee", "The aim of the experiment is to find how fast coffee cools."),
    ("Wind Power on Islands", "We compare wind parks on three islands."),
    ("Reading Habits of Children", "The study asks how much children read."),
)
OFFICIAL = (
    *("Application for a Parking Permit", "Request for a Library Card", "Claim for Travel Costs"),
    *("Declaration of Income", "Application for Housing Aid", "Notice of Change of Address"),
    *("Application for Leave", "Registration of a Dog", "Request for Records"),
)
FIELDS = (
    *("Name of applicant:", "Date of birth:", "Address:", "Type of request:", "Phone number:"),
    *("Signature:", "Place and date:", "Number of persons:", "Reference number:"),
)
AGENCIES = ("Government", "Ministry of Water", "National Library", "Geological Survey", "Office")
LANDS = ("Norway", "Chile", "Ghana", "Ireland", "New Zealand", "Estonia", "Peru", "Iceland")
WINDOWS = (  # kind, title, labels, buttons
    (
        "a window to set up an account",
        "Add account",
        ("User name", "E-mail address", "Password", "Incoming mail server"),
        ("Cancel", "Back", "Continue"),
    ),
    (
        "a login page",
        "Sign in",
        ("User name", "Password", "Stay signed in", "Forgot your password?"),
        ("Sign in",),
    ),
    (
        "the settings of a firewall",
        "Firewall rules",
        ("Service | Port | Action", "Web | 80 | allow", "Mail | 25 | deny", "Remote | 22 | allow"),
        ("Apply", "Reset"),
    ),
    (
        "the settings of a printer",
        "Printer options",
        ("Paper size", "Orientation", "Two-sided printing", "Color mode"),
        ("Print", "Cancel"),
    ),
    (
        "a file manager",
        "Documents",
        ("Name | Size | Modified", "report.txt | 12 KB | Monday", "photos | 4 items | Tuesday"),
        ("New folder",),
    ),
    (
        "an installer",
        "Setup wizard",
        ("Choose a folder", "Space needed: 240 MB", "Create a shortcut"),
        ("Next", "Cancel"),
    ),
    (
        "a dialog to save a file",
        "Save as",
        ("File name", "File type", "Folder", "Hide folders"),
        ("Save", "Cancel"),
    ),
)


def report(d: Draw) -> Page:
    topic, sentence = d.name(SUBJECTS)
    authors, city = [person(d) for _ in range(d.whole(1, 2))], d.name(CITIES)
    day = f"{d.pick(MONTHS)} {d.whole(1, 28)}, {d.whole(2004, 2026)}"
    rows = [Row(topic, d.pick((1.4, 2.0))), Row(", ".join(authors)), Row(f"{city}, {day}")]
    issued, land = d.chance(0.35), d.pick(LANDS)
    agency = f"{d.pick(AGENCIES)} of {land}"
    rows += [Row(agency)] if issued else []
    rows += [Row("Abstract")] if d.chance(0.5) else [Row("1 Introduction")]
    rows += [Row(x) for x in wrap(sentence, 60)]
    rows += [Row(x) for s in invented.sentences(d, 1, 3) for x in wrap(s, 60)]
    facts = [
        *[Fact("title", topic, "The title is {v}.")] * 3,
        Fact("author", ", ".join(authors), "It is by {v}.", right=(authors[0],)),
        Fact("date", day, "It is dated {v}."),
    ]
    if issued:
        facts += [Fact("country", agency, "It is from the {v}.", right=(exactly(land),))] * 2
    about = (
        (f'It is a report titled "{topic}"', (topic,)),
        (f". {sentence.rstrip('.')}", tuple(wrap(sentence, 60))),
    )
    return Page(
        "report",
        ("a report", "article"),
        tuple(rows),
        tuple(facts),
        about,
        (topic.split()[-1], topic.split()[0]),
        title=topic,
        lacking=("total", "phone", "email", "page number"),
    )


def filler(d: Draw) -> Page:
    """Filler text, as templates of pages have it."""
    title = d.pick(("1 A Chapter", "Heading", "Section Two", "Your Title Here", "Sample Page"))
    rows = [Row(title, 1.6), *(Row(x) for s in d.some(FILLER, 2, 4) for x in wrap(s, 60))]
    gap = "It is filler text (lorem ipsum), which means nothing."
    support = (rows[1].text.split()[0],)
    facts = [
        Fact("title", title, "The heading is {v}."),
        Fact("subject", gap, "{v}", support=support, right=("lorem|filler|nothing",), short="{v}"),
    ]
    about = (("It is a page of filler text (lorem ipsum)", support), (f'under "{title}"', (title,)))
    return Page(
        "text",
        ("a page of text", "article"),
        tuple(rows),
        tuple(facts),
        about,
        ("lorem|filler",),
        title=title,
        language="Latin",
        lacking=("author", "date", "total"),
    )


def official_form(d: Draw) -> Page:
    """A form that nobody has filled in, with its number."""
    title, number = d.name(OFFICIAL), f"{d.pick(('Form ', 'No. ', 'F-'))}{d.whole(10, 4999)}"
    labels = d.some(FIELDS, 4, 7)
    shown = [f"{i}. {x}" if d.chance(0.6) else x for i, x in enumerate(labels, 1)]
    rows = [Row(number), Row(title, d.pick((1.0, 1.7))), *map(Row, shown)]
    facts = [Fact("title", title, "The heading is {v}."), Fact("number", number, "It is {v}.",
             {"what": "form"}, right=(number,))]  # fmt: skip
    for label, row in zip(labels, shown, strict=True):
        word = label.rstrip(":").lower()
        gap = f"I can't tell: the field {word} is empty."
        slots = {"field": word}
        facts.append(
            Fact(
                "field", gap, "{v}", slots, "unanswerable", ("empty",), support=(row,), short="{v}"
            )
        )
    about = ((f"It is an empty form: {title}", (title,)),)
    return Page(
        "form",
        ("a form", "application"),
        tuple(rows),
        tuple(facts),
        about,
        ("form|application",),
        title=title,
        lacking=("applicant", "applicant", "total", "due"),
    )


def window(d: Draw) -> Page:
    kind, title, labels, buttons = d.name(WINDOWS)
    rows = [Row(title, d.pick((1.0, 1.5))), *map(Row, labels), Row(" | ".join(buttons))]
    facts = [
        Fact("title", title, "The title is {v}."),
        Fact("buttons", enumerate_words(buttons), "I see {v}.", right=(buttons[0],),
             support=tuple(buttons)),
    ]  # fmt: skip
    about = ((f"It is a screenshot of {kind}", (title,)), (f': "{title}"', (title,)))
    name = f"a screenshot of {kind}"
    return Page(
        "window",
        (name, "screenshot", "window"),
        tuple(rows),
        tuple(facts),
        about,
        (kind.split()[-1] + "|screenshot",),
        title=title,
        lacking=("date", "author", "total", "phone"),
    )


def desktop(d: Draw) -> Page:
    """A whole screen: a clock in the top bar, messages, a calendar of the month."""
    month = d.whole(0, 11)
    weekday, day, year = d.pick(DAYS), d.whole(1, 28), d.whole(2018, 2027)
    hour = f"{d.whole(0, 23):02}:{d.whole(0, 59):02}"
    short = f"{MONTHS[month][:3]} {day} {hour}"
    full = f"{MONTHS[month]} {day} {year}"
    notes = ("Updates are ready to install", "Battery is almost empty", "A device was removed",
             "Backup finished", "Two new messages", "Meeting in ten minutes")  # fmt: skip
    rows = [Row(short), Row(f"{d.pick(notes)} | {weekday}"), Row(f"Just now | {full}")]
    rows += [Row("S | M | T | W | T | F | S"), Row(d.pick(notes))]
    rows += [Row(" | ".join(f"{n:02}" for n in range(k, k + 7))) for k in (1, 8, 15)]
    right = (f"{MONTHS[month][:3]}\\w* {day}",)
    facts = [
        *[Fact("date", full, "It is {v}.", support=(full,), right=right)] * 2,
        Fact("date", short, "It shows {v}.", right=right),
        Fact("field", hour, "It is {v}.", {"field": "time"}, support=(short,)),
        Fact("field", weekday, "It is {v}.", {"field": "day of the week"}),
    ]
    about = (("It is a screenshot of a desktop", (short,)), (f"on {full}", (full,)))
    return Page(
        "desktop",
        ("a screenshot of a desktop", "screen"),
        tuple(rows),
        tuple(facts),
        about,
        ("screen|desktop|" + full,),
        lacking=("author", "total", "phone"),
    )


MAKERS = (*((report, 3.5), (filler, 1.5), (official_form, 2.5), (window, 3.0), (desktop, 2.0)),)
