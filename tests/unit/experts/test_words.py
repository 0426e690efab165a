"""Findings in words: of a picture over several looks, of a film frame by frame."""

from vlm.experts.agreement import reconcile
from vlm.experts.film import film_lines, film_summary
from vlm.experts.findings import Findings, Kind, Line, Thing
from vlm.experts.together import together
from vlm.experts.words import name_things, still_looks


def line(text: str, top: float = 0.1, height: float = 0.02, left: float = 0.1) -> Line:
    return Line(text, 0.9, (left, top, left + 0.3, top + height), height)


def person(x: float, score: float = 0.8, size: float = 0.2, color: str = "") -> Thing:
    return Thing("person", score, (x - size / 2, 0.3, x + size / 2, 0.7), color)


def test_a_line_names_kinds_things_and_text() -> None:
    found = Findings(
        kinds=(Kind("tabby cat", 0.624), Kind("cat", 0.9)),
        things=(
            Thing("bus", 0.9, (0.2, 0.1, 0.9, 0.9), "blue"),
            person(0.8, color="red"),
            person(0.2, color="black"),
            Thing("dog", 0.41, (0.0, 0.8, 0.2, 1.0)),
        ),
        lines=(line("A"), line("B", 0.2)),
        color="gray",
        middle_color="blue",
    )
    assert still_looks(found, 1, 50) == [
        "Kind: tabby cat 62%, cat 90%."
        " Things: 1 bus (middle large blue); 2 person (left black, right red)."
        " Perhaps: 1 dog (bottom left). Perhaps place: on a street, outdoors."
        " Color: gray, middle blue. Text (2 lines): A / B"
    ]


def test_what_was_not_found_is_stated_and_what_was_not_looked_for_is_left_out() -> None:
    assert still_looks(Findings(kinds=(), things=(), lines=()), 2, 9) == [
        "Kind: unclear. Things: none. Text: none",
        "",
    ]
    assert still_looks(Findings(lines=(), dark=True, blurred=True), 1, 9) == [
        "Blurred and dark. Text: none"
    ]


def test_each_look_reads_on_where_the_one_before_stopped() -> None:
    found = Findings(lines=tuple(line(f"row {i} ends", i / 20) for i in range(9)))
    looks = still_looks(found, 4, 7)
    assert looks[:2] == [
        "Text (9 lines): row 0 ends / row 1 ends",
        "Text goes on: row 2 ends / row 3 ends",
    ]
    assert looks[3].endswith("row 7 ends ...")
    words = " ".join(still_looks(found, 9, 7)).replace("/", "").split()
    assert [w for w in words if w.isdigit()][0:] == [str(i) for i in range(9)]


def test_a_line_longer_than_a_look_is_divided() -> None:
    found = Findings(lines=(line("a b c d e f g"),))
    assert still_looks(found, 2, 4) == ["Text (1 line): a b c d", "Text goes on: e f g"]


def test_prominent_lines_come_first() -> None:
    small = [line(f"line {i}", 0.1 + i / 20) for i in range(4)]
    found = Findings(lines=(*small, line("TITLE", 0.8, height=0.1)))
    assert still_looks(found, 1, 3)[0].startswith("Text (5 lines): TITLE / ")


def test_many_things_of_a_class_are_counted_without_their_places() -> None:
    chairs = [Thing("chair", 0.9, (i / 10, 0, i / 10 + 0.1, 0.2), "red") for i in range(8)]
    assert name_things(chairs) == "8 chair (mostly red)"


def test_who_rides_or_holds_something_is_stated() -> None:
    rider = Thing("person", 0.9, (0.3, 0.1, 0.6, 0.8))
    board = Thing("skateboard", 0.6, (0.3, 0.75, 0.7, 0.85))
    cup = Thing("cup", 0.6, (0.4, 0.3, 0.5, 0.4))
    far = Thing("bottle", 0.6, (0.8, 0.3, 0.9, 0.4))
    assert list(together([rider, board, cup, far])) == ["person on skateboard", "person with cup"]


def test_the_classifier_confirms_renames_and_drops_guesses() -> None:
    box = (0.1, 0.1, 0.9, 0.9)
    assert reconcile([Thing("dog", 0.36, box)], (Kind("dog", 0.45),), ())[0].score == 0.48
    assert reconcile([Thing("dog", 0.36, box)], (), ()) == ()
    assert reconcile([Thing("dog", 0.6, box)], (Kind("cat", 0.8),), ())[0].name == "cat"
    assert reconcile([Thing("person", 0.6, box)], (Kind("cat", 0.8),), ())[0].name == "person"


def test_a_guess_among_several_sure_things_of_its_class_counts() -> None:
    people = [person(0.1), person(0.5), person(0.9, score=0.42)]
    assert all(t.score >= 0.42 for t in reconcile(people, None, None))
    assert reconcile(people, None, None)[2].score == 0.48
    assert reconcile(people[1:], None, None)[1].score == 0.42


def test_a_guessed_person_on_a_sure_motorcycle_counts() -> None:
    rider, bike = person(0.5, score=0.35), Thing("motorcycle", 0.8, (0.3, 0.4, 0.7, 0.9))
    assert len(reconcile([bike, rider], None, None)) == 2
    assert reconcile([rider], None, None) == ()


def test_a_page_of_text_is_no_laptop() -> None:
    page = tuple(
        Line("some words here", 0.9, (0.1, i / 10, 0.9, i / 10 + 0.04), 0.04) for i in range(9)
    )
    laptop = Thing("laptop", 0.55, (0.0, 0.0, 1.0, 1.0))
    assert reconcile([laptop], (), page)[0].score == 0.4
    assert reconcile([laptop], (), ())[0].score == 0.55
    assert still_looks(Findings(lines=page), 1, 3)[0].startswith("Page of text. Text (9 lines): ")


def test_a_film_tells_only_what_changed() -> None:
    frames = [
        Findings(kinds=(), things=(person(0.2),), lines=(line("150"),)),
        Findings(kinds=(), things=(person(0.22),), lines=(line("150"),)),
        Findings(kinds=(), things=(person(0.4), Thing("car", 0.9, (0.7, 0.4, 1.0, 0.7), "red"))),
        Findings(kinds=(), things=(person(0.6),), lines=(line("160"),)),
        Findings(kinds=(), things=(person(0.6),), lines=()),
    ]
    assert film_lines(frames, 20) == [
        "Kind: unclear. Things: 1 person (left). Text (1 line): 150",
        "No change.",
        "New: 1 car (right red). Moved: person right.",
        "Moved: person right. New text: 160",
        "Gone: 1 car.",
    ]
    assert film_summary(frames) == "Whole film: 1 person (right)."


def test_a_thing_missed_in_one_frame_has_not_gone() -> None:
    frames = [Findings(things=things) for things in ((person(0.2),), (), (person(0.2),))]
    assert film_lines(frames, 9)[1:] == ["No change.", "No change."]


def test_a_frames_words_do_not_depend_on_later_frames() -> None:
    frames = [Findings(things=(person(0.1 + t / 8),), lines=(line(str(t)),)) for t in range(6)]
    assert film_lines(frames, 9)[:3] == film_lines(frames[:3], 9)


def test_a_thing_that_comes_closer_is_said_to() -> None:
    frames = [Findings(things=(person(0.5, size=s),)) for s in (0.1, 0.15, 0.2)]
    assert film_lines(frames, 9)[2] == "Moved: person closer."
    assert film_summary(frames) == "Whole film: 1 person (closer)."


def test_a_wavering_reading_is_not_new_text() -> None:
    frames = [Findings(lines=(line(t),)) for t in ("Thanks for watching", "Thanks for watchlng")]
    assert film_lines(frames, 9) == ["Text (1 line): Thanks for watching", "No change."]


def test_a_film_of_no_frames_has_no_words() -> None:
    assert film_lines([], 9) == []
    assert film_summary([]) == ""
