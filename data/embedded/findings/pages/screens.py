"""Screens, tables, timetables and charts."""

from data.embedded.findings import invented
from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import NO, YES, exactly, number_pattern
from data.embedded.findings.names import DAYS, FIRST, MONTHS
from data.embedded.findings.pages.letters import wrap
from data.embedded.findings.pages.money import clock, date
from data.embedded.findings.pages.page import Fact, Page, Row
from data.embedded.findings.words import capital, enumerate_words, number_word

ERRORS = (  # title, message, buttons
    ("File not found", "The file {name}.txt could not be opened.", ("OK", "Browse")),
    ("Disk full", "There is not enough space on drive {letter}:.", ("Retry", "Cancel")),
    ("Connection lost", "The server did not answer within {n} seconds.", ("Try again", "Close")),
    ("Login failed", "The user name or password is not correct.", ("OK", "Forgot password?")),
    ("Update required", "Version {n}.2 is no longer supported.", ("Update now", "Later")),
    ("Printer offline", "The printer on port {n} does not respond.", ("Retry", "Cancel")),
    (
        "Unsaved changes",
        "Do you want to save the changes to {name}.doc?",
        ("Save", "Don't save", "Cancel"),
    ),
    ("Access denied", "You do not have permission to open this folder.", ("OK", "Details")),
    ("Out of memory", "Please close some programs and try again.", ("OK", "Ignore")),
    ("Battery low", "Only {n} % of the battery is left.", ("Dismiss", "Save power")),
)
SETTINGS = (
    *("Wi-Fi", "Bluetooth", "Dark mode", "Location", "Notifications", "Automatic updates"),
    *("Night light", "Airplane mode", "Auto-rotate", "Backup", "Spell check", "Sound effects"),
)
CODE = (  # language, function, rows
    (
        "Python",
        "{f}",
        ("def {f}(values):", "total = 0", "for value in values:", "total += value", "return total"),
    ),
    ("Python", "{f}", ("import math", "def {f}(x):", "return math.sqrt(x) + {n}")),
    (
        "JavaScript",
        "{f}",
        ("function {f}(items) {{", "const first = items[{n}];", "console.log(first);", "}}"),
    ),
    ("Java", "{f}", ("public static int {f}(int n) {{", "return n * {n};", "}}")),
    (
        "C",
        "{f}",
        ("#include <stdio.h>", "int {f}(int n) {{", 'printf("%d", n + {n});', "return 0; }}"),
    ),
    ("SQL", "", ("SELECT name, price", "FROM products", "WHERE price > {n}", "ORDER BY name;")),
    ("HTML", "", ("<html>", "<h1>{f}</h1>", "<p>Page {n}</p>", "</html>")),
)


def error(d: Draw) -> Page:
    title, message, buttons = d.name(ERRORS)
    words = {
        "name": d.pick(("report", "budget", "notes", "letter")),
        "letter": d.pick("CDEF"),
        "n": d.whole(3, 30),
    }
    message = message.format(**words)
    code = f"0x{d.whole(4096, 65535):X}" if d.chance(0.4) else ""
    rows = [Row(title, d.pick((1.0, 1.3))), *map(Row, wrap(message)), Row(" | ".join(buttons))]
    facts = [
        Fact(
            "error",
            message,
            support=tuple(wrap(message)),
            full=f"{title}: {{v}}",
            short="{v}",
            right=(exactly(title), exactly(message.split(".")[0])),
        ),
        Fact("error", title, support=(title,), full="It says: {v}."),
        Fact(
            "buttons",
            enumerate_words([f'"{b}"' for b in buttons]),
            support=buttons,
            right=(exactly(buttons[0]),),
            full="The buttons are {v}.",
        ),
    ]
    if code:
        rows.insert(1, Row(f"Error code: {code}"))
        facts.append(Fact("code", code, "The code is {v}."))
    about = ((f'It is a message: "{title}"', (title,)),)
    return Page(
        "error message",
        ("an error message", "dialog"),
        tuple(rows),
        tuple(facts),
        about,
        ("message|error|dialog|window",),
        title=title,
        lacking=("date", "phone") + (() if code else ("code",)),
    )


def settings(d: Draw) -> Page:
    names = d.names(SETTINGS, 3, 6)
    states = [d.chance(0.5) for _ in names]
    rows = [
        Row("Settings", 1.6),
        *(Row(f"{n} | {'On' if s else 'Off'}") for n, s in zip(names, states, strict=True)),
    ]
    facts = []
    for name, on in zip(names, states, strict=True):
        state, support = "on" if on else "off", (f"{name} | {'On' if on else 'Off'}",)
        facts.append(
            Fact(
                "setting",
                state,
                f"{name} is {{v}}.",
                {"x": name},
                right=(rf"\b{state}\b",),
                support=support,
                short=f"{capital(state)}.",
            )
        )
        asked = d.chance(0.5)
        word, yes = ("on", "off")[not asked], asked == on
        answer = f"{'Yes' if yes else 'No'}, {name} is {state}."
        facts.append(
            Fact(
                "setting is",
                "",
                answer,
                {"x": name, "state": word},
                right=(YES if yes else NO,),
                wrong=(NO if yes else YES,),
                support=support,
                short=f"{'Yes' if yes else 'No'}, it is {state}.",
            )
        )
    about = ((f"It is a screen of settings, such as {names[0]}", (names[0],)),)
    return Page(
        "settings",
        ("a settings screen", "screenshot"),
        tuple(rows),
        tuple(facts),
        about,
        ("setting|screen",),
        title="Settings",
        lacking=("date", "total"),
    )


def web_page(d: Draw) -> Page:
    topic, company = invented.title(d), invented.company(d)
    site = f"www.{company.split()[0].lower()}.{d.pick(('com', 'org', 'net'))}"
    tabs = d.some(("Home", "News", "Contact", "Shop", "About us", "Help", "Login"), 3, 5)
    text = [line for s in invented.sentences(d, 1, 3) for line in wrap(s)]
    rows = [Row(site), Row(" | ".join(tabs)), Row(topic, 2.0), *map(Row, text)]
    facts = [
        Fact("web", site, "The address is {v}."),
        Fact("title", topic, "The heading is {v}."),
        Fact("buttons", enumerate_words(tabs), "I see {v}.", right=(tabs[0],), support=tuple(tabs)),
    ]
    about = ((f'It is a web page about "{topic}"', (topic,)), (f"on {site}", (site,)))
    return Page(
        "web page",
        ("a web page", "website", "screenshot"),
        tuple(rows),
        tuple(facts),
        about,
        (exactly(topic) + "|web",),
        title=topic,
        lacking=("phone", "total", "author"),
    )


def code(d: Draw) -> Page:
    language, function, rows = d.pick(CODE)
    name, n = (
        d.pick(("add_up", "find_max", "greet", "area", "countWords", "isEven", "convert")),
        d.whole(2, 99),
    )
    texts = [row.format(f=name, n=n) for row in rows]
    facts = [Fact("language of code", language, "It is {v}.", support=(texts[0],))] * 2
    if function:
        head = next(t for t in texts if name in t)
        facts.append(Fact("function", name, "It is called {v}.", support=(head,)))
    about = (
        (f"It is a piece of {language} code", (texts[0],)),
        (f"with the function {name}" if function else "", ()),
    )
    return Page(
        "code",
        ("program code", "screenshot of code"),
        tuple(Row(t) for t in texts),
        tuple(facts),
        about,
        (f"code|program|{exactly(language)}",),
        language="",
        lacking=("author", "date", "phone"),
    )


def calendar(d: Draw) -> Page:
    day, weekday, hour = d.whole(1, 28), d.pick(DAYS), clock(d)
    shown = f"{weekday}, {MONTHS[d.whole(0, 11)]} {day}"
    what = d.pick(("Dentist", "Team meeting", "Call with Lena", "Gym", "Lunch", "Piano lesson"))
    rows = (Row(hour, 1.8), Row(shown), Row(f"{clock(d)} {what}"))
    facts = [
        Fact("date", shown, "It is {v}."),
        Fact("field", hour, "It is {v}.", {"field": "time"}),
        Fact("subject", what, "{v}."),
    ]
    about = (
        (f"It is a screen with the date {shown}", (shown,)),
        (f"and the entry {what}", (what,)),
    )
    return Page(
        "calendar",
        ("a calendar", "screen"),
        rows,
        tuple(facts),
        about,
        ("calendar|screen|date",),
        lacking=("phone", "total", "address"),
    )


def slide(d: Draw) -> Page:
    topic, points = (
        invented.title(d),
        [s.rstrip(".") for s in invented.sentences(d, 2, 4)],
    )
    points = [" ".join(p.split()[:6]) for p in points]
    rows = [Row(topic, 2.2), *(Row(f"- {p}") for p in points), Row(str(n := d.whole(2, 60)))]
    facts = [
        Fact("title", topic, "The title is {v}."),
        Fact("page number", str(n), "It is page {v}."),
        Fact(
            "num points",
            number_word(len(points)),
            "There are {v} points.",
            right=(number_pattern(len(points)),),
            support=tuple(points),
            short=capital(number_word(len(points))) + ".",
        ),
    ]
    about = (
        (f'It is a slide titled "{topic}"', (topic,)),
        (f"with {number_word(len(points))} points", tuple(points)),
    )
    return Page(
        "slide",
        ("a slide", "presentation"),
        tuple(rows),
        tuple(facts),
        about,
        (exactly(topic) + "|slide",),
        title=topic,
        lacking=("author", "date", "phone"),
    )


def deliveries(d: Draw) -> Page:
    """A parcel's label or a status page with a number."""
    number, day = f"{d.pick(('PX', 'TR', 'ZA'))}{d.whole(10**7, 10**8 - 1)}", date(d)
    state = d.pick(("Delivered", "In transit", "Out for delivery", "Delayed"))
    to = f"{d.name(FIRST)} {d.pick(('A.', 'B.', 'K.'))}"
    rows = (
        Row("Parcel status", 1.5),
        Row(f"Tracking number {number}"),
        Row(f"Status: {state}"),
        Row(f"Expected: {day}"),
        Row(f"To: {to}"),
    )
    facts = [
        Fact("number", number, "It is {v}.", {"what": "tracking"}),
        Fact("field", state, "The status is {v}.", {"field": "status"}),
        Fact("date", day, "It is {v}."),
        Fact("to", to, "It is for {v}."),
    ]
    about = ((f"It is the status of parcel {number}", (number,)), (f": {state.lower()}", (state,)))
    return Page(
        "parcel",
        ("a parcel status", "screen"),
        rows,
        tuple(facts),
        about,
        (f"parcel|{exactly(state)}",),
        title="Parcel status",
        lacking=("phone", "total", "from"),
    )


MAKERS = (
    *((error, 2.5), (settings, 2.0), (web_page, 2.5), (code, 1.5), (calendar, 1.5), (slide, 2.0)),
    *((deliveries, 1.0),),
)
