"""Charts: only what is printed; the height of bars and the size of slices are not seen."""

from data.embedded.findings.draw import Draw
from data.embedded.findings.exchange import exactly
from data.embedded.findings.names import DAYS, MONTHS
from data.embedded.findings.pages.page import Fact, Page, Row
from data.embedded.findings.words import enumerate_words

CHARTS = (  # title, unit, names of its parts
    ("Rainfall by month", "mm", MONTHS),
    (
        "Favorite sports",
        "votes",
        ("Tennis", "Hockey", "Judo", "Rowing", "Golf", "Rugby", "Cricket"),
    ),
    ("Sales per quarter", "thousand", ("Q1", "Q2", "Q3", "Q4")),
    ("Energy sources", "%", ("Wind", "Solar", "Coal", "Gas", "Hydro", "Nuclear")),
    ("Pets in our class", "pets", ("Dogs", "Hamsters", "Fish", "Birds", "Rabbits")),
    ("Library loans", "books", ("Fiction", "Travel", "Comics", "Science", "Cooking")),
    ("Steps per day", "steps", DAYS),
    ("Costs of a household", "%", ("Rent", "Food", "Clothes", "Leisure", "Savings", "Transit")),
)


def chart(d: Draw) -> Page:
    """Only what is printed: title, names, numbers; the height of bars is not seen."""
    title, unit, pool = d.name(CHARTS)
    names = d.some(pool, 3, min(6, len(pool)))
    values = [d.whole(3, 95) for _ in names]
    pie, printed = unit in ("%", "votes", "pets") and d.chance(0.6), d.chance(0.6)
    rows, facts = [Row(title, 1.6)], [Fact("title", title, "The title is {v}.", kind="chart")] * 2
    if not pie:
        rows += (
            [Row(unit), Row(" | ".join(str(n) for n in range(0, 101, 25)))]
            if not printed
            else [Row(unit)]
        )
    texts = [
        f"{n} {v}{' %' if pie else ''}" if printed else n
        for n, v in zip(names, values, strict=True)
    ]
    rows += map(Row, texts) if printed or d.chance(0.5) else [Row(" | ".join(names))]
    support = tuple(texts)
    listed = enumerate_words(names)
    facts.append(
        Fact("bars", listed, "It shows {v}.", right=(names[0],), support=tuple(names), kind="chart")
    )
    if not pie:
        facts.append(Fact("axis", unit, "It is given in {v}.", kind="chart"))
    if printed:
        facts += [
            Fact(
                "bar", str(v), f"{n}: {{v}}.", {"x": n}, "chart", right=(rf"\b{v}\b",), support=(t,)
            )
            for n, v, t in zip(names, values, texts, strict=True)
        ]
        if values.count(max(values)) == 1:
            best = names[values.index(max(values))]
            facts.append(
                Fact("top", best, f"{{v}}, with {max(values)}.", {}, "chart", support=support)
            )
            facts += [
                Fact(
                    "most",
                    best,
                    f"{{v}}, with {max(values)}.",
                    {"column": "value"},
                    "chart",
                    support=support,
                )
            ] * 2
    else:
        gap = "I can't tell; I read the names, but I can't see how large the parts are."
        facts += [
            Fact(
                "most",
                gap,
                "{v}",
                {"column": "value"},
                "unanswerable",
                ("can't tell",),
                support=(names[0],),
                short="{v}",
            ),
            Fact(
                "bar",
                gap,
                "{v}",
                {"x": names[0]},
                "unanswerable",
                ("can't tell",),
                support=(names[0],),
                short="{v}",
            ),
        ]
    facts += _chart_kind(pie, values, printed, texts)
    about = ((f'It is a chart: "{title}"', (title,)), (f"for {listed}", tuple(names)))
    return Page(
        "chart",
        ("a chart", "diagram"),
        tuple(rows),
        tuple(facts),
        about,
        (f"chart|diagram|{exactly(title)}",),
        title=title,
        lacking=("author", "phone"),
    )


def _chart_kind(pie: bool, values: list[int], printed: bool, texts: list[str]) -> list[Fact]:
    """What the text lets guess: shares in percent, or an axis; the drawing itself is not seen."""
    guess = "I can't tell which kind of chart it is; I only read its text."
    right = "can't tell"
    if pie and printed:
        guess, right = "Perhaps a pie chart, as it gives shares; I'm not sure.", "pie"
    elif not pie:
        guess, right = "Perhaps a bar chart or a line chart; I can't tell from the text.", "chart"
    fact = Fact(
        "chart kind", guess, "{v}", {}, "chart", (right,), support=tuple(texts[:1]), short="{v}"
    )
    return [fact, fact]


def loose_chart(d: Draw) -> Page:
    """A chart whose labels and numbers were read one under the other, some side by side."""
    title, unit, pool = d.name(CHARTS)
    names = d.some(pool, 3, min(5, len(pool)))
    rest, values = 100, []
    for i in range(len(names) - 1):
        values.append(d.whole(3, max(4, rest - 5 * (len(names) - i))))
        rest -= values[-1]
    values.append(rest)
    values = d.some(values, len(values), len(values))
    mark = "%" if unit in ("%", "votes", "pets") else ""
    rows, pairs, i, first = [Row(title, 1.6)], [], 0, d.chance(0.5)
    while i < len(names):
        two = i + 1 < len(names) and d.chance(0.4)
        part = range(i, i + 2 if two else i + 1)
        texts = [" | ".join(f"{values[k]}{mark}" for k in part), " | ".join(names[k] for k in part)]
        rows += map(Row, texts if first else texts[::-1])
        pairs += [(k, tuple(texts)) for k in part]
        i = part[-1] + 1
    facts = [Fact("title", title, "The title is {v}.", kind="chart")]
    if values.count(max(values)) == 1:
        best = names[values.index(max(values))]
        full = f"{{v}}, it seems: {max(values)}{mark} stands beside it."
        support = tuple(r.text for r in rows)
        slots = {"column": "value"}
        facts += [Fact("most", best, full, slots, "chart", support=support)]
        facts += [Fact("top", best, full, {}, "chart", support=support)] * 2
    for k, both in pairs:
        full = f"{names[k]}: {{v}}, it seems."
        value = f"{values[k]}{mark}"
        facts.append(
            Fact(
                "bar", value, full, {"x": names[k]}, "chart", support=both, right=(exactly(value),)
            )
        )
    facts += _chart_kind(mark == "%", values, True, [rows[1].text])
    about = ((f'It is a chart: "{title}"', (title,)),)
    return Page(
        "chart",
        ("a chart", "diagram"),
        tuple(rows),
        tuple(facts),
        about,
        (f"chart|diagram|{exactly(title)}",),
        title=title,
        lacking=("author", "phone", "date"),
    )


MAKERS = ((chart, 6.0), (loose_chart, 3.0))
