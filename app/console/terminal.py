"""Runs a chat in the terminal: type questions, add files, stop an answer with Ctrl-C."""

import argparse
import shlex
import sys
import threading
from dataclasses import replace
from pathlib import Path

from app.chat import ChatView, stream_chat, usage_line
from app.console.ask import settings_from
from app.console.ctrl_c import ctrl_c_stops
from app.console.growing import Growing
from app.console.progress_line import ProgressLine
from app.console.streams import decoded
from app.looks import Wanted, look_closer, repeated, seconds, understood
from app.sanitize import for_label, for_terminal
from app.turns import Chat
from app.what_was_read import words_read
from vlm.assistant import Assistant

HELP = """  /add FILE...  add videos or pictures to the next question
  /retry        answer the last question again
  /edit TEXT    replace the last question, keeping its files
  /look         look once more at the last picture and answer again
  /closer 0:10 0:20 [TEXT]   look closer at a part of the last film
  /follow FILE  ask about a film that is still being written; /follow alone ends that
  /frames       list the frames seen and their times
  /read         list what the model read of the last files
  /clear        start a new conversation
  /help         show this list
  /quit         leave (or Ctrl-D)
  Ctrl-C        stop the answer"""
NOTHING_READ = "no expert looked at it; start with --experts kinds,things,text"


class Terminal:
    """One conversation. The methods named `do_...` are its commands."""

    def __init__(self, assistant: Assistant, args: argparse.Namespace) -> None:
        self.assistant, self.settings = assistant, settings_from(args)
        self.chat = Chat()
        self.waiting: tuple[Path, ...] = ()  # files for the next question
        self.given = list(args.files)
        self.growing: Growing | None = None

    def run(self) -> int:
        """Reads lines until end of input."""
        card = self.assistant.card
        print(f"{card['name']}, {card['parameters']} parameters. It can be wrong. Try /help.")
        if self.given:
            self._add([Path(name) for name in self.given])
        while True:
            try:
                line = decoded(input("\n> " if sys.stdin.isatty() else "")).strip()
            except KeyboardInterrupt:
                print("\n/quit or Ctrl-D leaves.")
                continue
            except EOFError:
                return 0
            if line == "/quit":
                return 0
            if line.startswith("/"):
                self.command(line)
            elif line:
                self.ask(line)

    def command(self, line: str) -> None:
        """Runs one /command."""
        name, _, rest = line[1:].partition(" ")
        action = getattr(self, f"do_{name}", None) if name.isalpha() else None
        if action is None:
            print(f"Unknown command /{for_label(name)}. Commands:\n{HELP}")
        else:
            action(rest.strip())

    def ask(self, question: str) -> None:
        """Asks a question and prints the answer as it streams."""
        try:
            wanted = understood(self.chat, question, self.waiting)
        except ValueError as error:
            print(error)
            return
        self._ask(wanted)

    def _ask(self, wanted: Wanted) -> None:
        stop, written = threading.Event(), 0
        try:
            live = self.growing.catch_up() if self.growing else None
        except ValueError as error:
            print(for_terminal(str(error)))
            return
        views = stream_chat(self.assistant, self.chat, wanted, self.settings, stop, live=live)
        with ProgressLine(sys.stderr) as progress, ctrl_c_stops(stop):
            for view in views:
                written = self._show(view, progress, written)
        if view.error:
            print(for_terminal(view.error))
            return
        self.chat, self.waiting = self.chat.answered(wanted.at, view.chat), ()
        turn = self.chat.turns[-1]
        notes = [*["(stopped)"] * turn.stopped, *wanted.notes, *turn.notes]
        print("\n" + "\n".join([*notes, f"[{usage_line(turn)}]"]))

    def _show(self, view: ChatView, progress: ProgressLine, written: int) -> int:
        if view.answer:
            progress.clear()
            print(for_terminal(view.answer[written:]), end="", flush=True)
        else:
            progress.show(view)
        return len(view.answer)

    def do_add(self, names: str) -> None:
        """/add FILE..."""
        try:
            words = shlex.split(names)
        except ValueError:
            words = [names]
        if not words:
            print("Usage: /add clip.mp4")
        self._add([Path(word).expanduser() for word in words])

    def _add(self, paths: list[Path]) -> None:
        added = []
        for path in paths:
            if path.is_file():
                added.append(path)
            else:
                print(f"{for_label(str(path), 200)}: no such file.")
        self.waiting += tuple(added)
        if added:
            names = ", ".join(for_label(path.name) for path in self.waiting)
            print(f"The next question is about {names}.")

    def do_retry(self, _: str) -> None:
        """/retry"""
        if not self.chat.turns:
            print("No question yet.")
            return
        last = self.chat.turns[-1]
        print(f"> {for_terminal(last.question)}")
        self._ask(repeated(self.chat, len(self.chat.turns) - 1))

    def do_edit(self, question: str) -> None:
        """/edit TEXT"""
        if not self.chat.turns or not question:
            print("Usage: /edit What color is it?")
            return
        last = repeated(self.chat, len(self.chat.turns) - 1)
        self._ask(replace(last, question=question))

    def do_look(self, _: str) -> None:
        """/look"""
        self.ask("look again")

    def do_closer(self, rest: str) -> None:
        """/closer 0:10 0:20 [TEXT]"""
        first, last, question = [*rest.split(maxsplit=2), "", "", ""][:3]
        try:
            span = seconds(first), seconds(last)
        except ValueError:
            print("Usage: /closer 0:10 0:20 What does it say?")
            return
        try:
            self._ask(look_closer(self.chat, span, question, self.waiting))
        except ValueError as error:
            print(error)

    def do_follow(self, name: str) -> None:
        """/follow FILE"""
        path = Path(name).expanduser()
        if not name:
            print("Nothing is followed now." if self.growing else "Usage: /follow clip.mkv")
            self.growing = None
        elif not path.is_file():
            print(f"{for_label(name, 200)}: no such file.")
        else:
            self.growing = Growing(self.assistant, path)
            print(f"Each question looks at what {for_label(path.name)} has got since.")

    def do_frames(self, _: str) -> None:
        """/frames"""
        strips = [strip for turn in self.chat.turns for strip in turn.strips]
        if not strips:
            print("No frames yet.")
        for strip in strips:
            print(f"{strip.summary}: {', '.join(strip.labels)}")
            for warning in strip.warnings:
                print(f"  {for_terminal(warning)}")

    def do_read(self, _: str) -> None:
        """/read"""
        strips = next((turn.strips for turn in reversed(self.chat.turns) if turn.strips), ())
        if not strips:
            print("No frames yet.")
        for strip in strips:
            lines = words_read(strip.words) or [NOTHING_READ]
            print(f"{for_label(strip.name)}:", *lines, sep="\n  ")

    def do_clear(self, _: str) -> None:
        """/clear"""
        self.chat, self.waiting = Chat(), ()
        print("New conversation.")

    def do_help(self, _: str) -> None:
        """/help"""
        print(HELP)
