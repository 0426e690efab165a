"""Answers one question about files, or several from standard input, on standard output."""

import argparse
import contextlib
import itertools
import json
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.chat import ChatView, stream_chat
from app.console.clips import refuse_address
from app.console.ctrl_c import ctrl_c_stops
from app.console.progress_line import ProgressLine
from app.console.streams import decoded
from app.looks import Wanted, understood
from app.sanitize import for_terminal, whole_characters
from app.turns import Chat, ChatTurn
from vlm.assistant import Assistant, Settings
from vlm.media.decode import probe

BAD_INPUT, INTERRUPTED = 2, 130
STDIN = "-"
NOTHING_ASKED = 'no question was given; try: python -m app ask clip.mp4 "What happens?"'


def ask(args: argparse.Namespace, load: Callable[[], Assistant]) -> int:
    """Answers all questions in one conversation about the files. Returns the exit code."""
    settings = settings_from(args)
    names, question = split_items(args.items)
    questions = iter([question]) if question is not None else questions_from(sys.stdin)
    nothing_piped = not args.items and sys.stdin.isatty()
    first = None if nothing_piped else next(questions, None)
    if first is None:
        raise ValueError(NOTHING_ASKED)
    with _files(names) as files:
        for path in files:
            probe(path)  # before the model is loaded
        assistant = load()
        chat = Chat()
        for text in itertools.chain([first], questions):
            try:
                wanted = understood(chat, text, () if chat.turns else files)
            except ValueError as error:
                sys.stderr.write(f"{error}\n")
                return BAD_INPUT
            view = _answer(assistant, chat, wanted, settings, args)
            if view.stopped:
                return INTERRUPTED
            if view.error:
                sys.stderr.write(for_terminal(view.error) + "\n")
                return BAD_INPUT
            chat = chat.answered(wanted.at, view.chat)
    return 0


def split_items(items: list[str], to_come: bool = False) -> tuple[list[str], str | None]:
    """Splits files and question; None for "-", nothing, or a last word that is a file.

    A "-" among the files is a file piped to standard input. With `to_come` a file may be missing:
    it is waited for.
    """
    if not items:
        return [], None
    *names, last = items
    if last == STDIN:
        question = None
    elif Path(last).is_file():
        names, question = items, None
    else:
        question = decoded(last)
        if not names and " " not in last and Path(last).suffix:
            refuse_address(last)
            raise ValueError(f"{last}: no such file.")
    if names.count(STDIN) > (question is not None):
        raise ValueError("standard input can be one file, with a question as the last word.")
    for name in names:
        refuse_address(name)
        if name != STDIN and not Path(name).is_file() and not (to_come and _may_come(name)):
            raise ValueError(f"{name}: no such file; the question comes last, in quotes.")
    return names, question


def _may_come(name: str) -> bool:
    return not Path(name).exists() and Path(name).absolute().parent.is_dir()


@contextlib.contextmanager
def _files(names: list[str]) -> Iterator[tuple[Path, ...]]:
    """Yields the files; what is piped to standard input is one for as long as it is needed."""
    with tempfile.TemporaryDirectory() as folder:
        piped = Path(folder) / "standard input"
        if STDIN in names:
            with piped.open("wb") as file:
                shutil.copyfileobj(sys.stdin.buffer, file)
        yield tuple(piped if name == STDIN else Path(name) for name in names)


def questions_from(lines: Iterator[str]) -> Iterator[str]:
    """Yields one question per line, skipping empty lines."""
    for line in lines:
        if text := decoded(line).strip():
            yield text


def settings_from(args: argparse.Namespace) -> Settings:
    """Converts command-line options to the assistant's settings. ValueError names the option."""
    for option in ("frames", "looks", "tiles", "length"):
        value = getattr(args, option)
        if value is not None and value < 1:
            raise ValueError(f"--{option} is {value}; it must be 1 or more.")
    return Settings(
        num_frames=args.frames,
        looks=args.looks,
        max_tiles=args.tiles,
        max_new_tokens=args.length,
        temperature=args.temperature,
        seed=args.seed,
    )


def as_record(turn: ChatTurn) -> dict:
    """Converts a turn to a JSON record: answer, frames seen, findings, usage, warnings."""
    return {
        "question": turn.question,
        "answer": turn.answer,
        "seen": [
            {
                "name": s.name,
                "kind": s.kind,
                "pictures": len(s.pictures),
                "times": s.times and list(s.times),
                "words": list(s.words),
                "findings": [_rounded(asdict(found)) for found in s.findings],
            }
            for s in turn.strips
        ],
        "usage": asdict(turn.usage) if turn.usage else None,
        "warnings": [
            *turn.notes,
            *(warning for strip in turn.strips for warning in strip.warnings),
        ],
        "stopped": turn.stopped,
    }


def _rounded(value: Any) -> Any:
    """Rounds the numbers in a record to four digits."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return round(value, 4) if isinstance(value, float) else value


def _answer(
    assistant: Assistant,
    chat: Chat,
    wanted: Wanted,
    settings: Settings,
    args: argparse.Namespace,
) -> ChatView:
    written, stop = 0, threading.Event()
    with ProgressLine(sys.stderr, quiet=args.quiet) as progress, ctrl_c_stops(stop):
        for view in stream_chat(assistant, chat, wanted, settings, stop):
            if not view.answer:
                progress.show(view)
                continue
            progress.clear()
            if not args.json:
                _write(for_terminal(view.answer[written:]))
                written = len(view.answer)
    if not view.error:
        turn = view.chat.turns[-1]
        if args.json:
            unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
            record = json.dumps(as_record(turn), ensure_ascii=not unicode)
            _write(whole_characters(record) + "\n")
        else:
            _write("\n")
            for warning in as_record(turn)["warnings"]:
                progress.say(warning)
    return view


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
