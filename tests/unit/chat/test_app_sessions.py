"""What a server keeps of conversations, and answers that run in the background."""

import threading
import time
from collections.abc import Iterator

from fake_assistant import FakeAssistant

from app.chat import stream_chat
from app.looks import Wanted
from app.page.asking.background import Line, in_background, in_line
from app.page.kept.sessions import Sessions
from app.turns import Chat


def chat_about(words: str) -> Chat:
    *_, last = stream_chat(FakeAssistant(), Chat(), Wanted(0, words))
    return last.chat


def test_the_oldest_conversations_lose_their_state_then_their_text() -> None:
    sessions = Sessions(num_remembered=2, num_kept=3)
    for name in "abcd":
        sessions.put(name, chat_about(name))
    assert sessions.get("a") is None
    forgotten = [sessions.get(name).num_forgotten for name in "bcd"]  # type: ignore[union-attr]
    assert forgotten == [1, 0, 0]


def test_using_a_conversation_makes_it_the_most_recent() -> None:
    sessions = Sessions(num_remembered=2, num_kept=2)
    sessions.put("a", Chat())
    sessions.put("b", Chat())
    sessions.get("a")
    sessions.put("c", Chat())
    assert sessions.get("b") is None
    assert sessions.get("a") == Chat()


def test_an_idle_conversation_expires_after_its_lifetime() -> None:
    now = [0.0]
    sessions = Sessions(lifetime=10, now=lambda: now[0])
    sessions.put("a", Chat())
    now[0] = 9
    assert sessions.get("a") == Chat()
    now[0] = 20
    assert sessions.get("a") is None


def test_stop_reaches_only_the_answer_of_its_own_conversation() -> None:
    sessions = Sessions()
    mine, yours = sessions.start("me"), sessions.start("you")
    sessions.stop("me")
    sessions.stop("nobody")
    assert mine.is_set()
    assert not yours.is_set()


def test_a_second_answer_of_a_conversation_stops_the_first() -> None:
    sessions = Sessions()
    first, second = sessions.start("me"), sessions.start("me")
    assert first.is_set()
    assert not second.is_set()
    sessions.end("me", first)  # the first one notices and ends
    assert not second.is_set()
    sessions.stop("me")
    assert second.is_set()


def test_an_answer_that_ended_is_not_stopped_again() -> None:
    sessions = Sessions()
    stop = sessions.start("me")
    sessions.end("me", stop)
    assert stop.is_set()
    later = sessions.start("me")
    sessions.end("me", stop)
    sessions.stop_all()
    assert later.is_set()


def test_the_last_view_arrives_even_for_a_slow_consumer() -> None:
    seen = []
    for item in in_background(iter(range(100)), threading.Event()):
        seen.append(item)
        time.sleep(0.001)
    assert seen[-1] == 99
    assert seen == sorted(seen)


def test_the_last_view_repeats_while_nothing_new_arrives() -> None:
    repeated = threading.Event()

    def slow() -> Iterator[str]:
        yield "a"
        assert repeated.wait(60)
        yield "b"

    seen = []
    for item in in_background(slow(), threading.Event(), heartbeat=0.02):
        seen.append(item)
        if len(seen) == 3:
            repeated.set()
    assert seen[:3] == ["a"] * 3
    assert seen[-1] == "b"


def test_a_consumer_that_leaves_stops_the_answer() -> None:
    stop, ended = threading.Event(), threading.Event()

    def forever() -> Iterator[int]:
        yield 0
        if stop.wait(60):
            ended.set()

    reading = in_background(forever(), stop, heartbeat=0.02)
    next(reading)
    reading.close()  # type: ignore[attr-defined]
    assert stop.is_set()
    assert ended.wait(60)


def wait_for(ahead: int, seconds: float | None) -> str:
    return f"{ahead} ahead, {seconds}"


def test_two_answers_never_run_at_once() -> None:
    line, stop = Line(), threading.Event()
    first = in_line(iter("abc"), line, wait_for, stop)
    assert next(first) == "a"
    second = in_line(iter("xyz"), line, wait_for, stop)
    assert next(second) == "1 ahead, None"
    third = in_line(iter("123"), line, wait_for, stop)
    assert next(third) == "2 ahead, None"
    assert list(first) == ["b", "c"]
    assert list(second) == ["x", "y", "z"]
    assert list(third) == ["1", "2", "3"]


def test_the_wait_is_estimated_from_the_answers_before() -> None:
    line = Line(at_once=2)
    for seconds in (2.0, 4.0):
        line.leave(line.join(), seconds)
    places = [line.join() for _ in range(4)]
    assert [line.ahead(place) for place in places] == [0, 0, 1, 2]
    assert line.seconds(2) == 3.0
    line.leave(places[0])
    assert [line.ahead(place) for place in places[1:]] == [0, 0, 1]


def test_stopping_while_waiting_ends_the_stream() -> None:
    line, stop = Line(), threading.Event()
    line.join()
    waiting = in_line(iter("xyz"), line, wait_for, stop)
    assert next(waiting) == "1 ahead, None"
    stop.set()
    assert list(waiting) == []
    assert line.ahead(line.join()) == 1
