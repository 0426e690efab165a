"""Ends a command as its user expects, whatever it was doing: no traceback for what is not a bug.

A pipe whose reader has gone (`| head`) and Ctrl-C are not errors; a disk that is full and a folder
that may not be written are one sentence.
"""

import os
import sys
from collections.abc import Callable
from typing import NoReturn

STOPPED, BAD_INPUT = 130, 2


def end(main: Callable[[], int | None]) -> NoReturn:
    """Runs a command and exits with its code."""
    code: int | str | None
    try:
        try:
            code = main()
        except SystemExit as left:
            code = left.code
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()
        code = 0
    except KeyboardInterrupt:
        code = STOPPED
    except OSError as error:
        sys.stderr.write(sentence(error) + "\n")
        code = BAD_INPUT
    sys.exit(code)


def discard_output() -> None:
    """Sends the rest of the output nowhere: its reader has closed it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def sentence(error: Exception) -> str:
    """Returns the error's own text; of the operating system's, the file and the reason."""
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    reason = f"{error.strerror}."
    return f"{error.filename}: {reason}" if error.filename else reason
