"""Starts the page of a loaded model: the models it offers, and the line about a larger one."""

import argparse
from collections.abc import Callable

from fastapi import FastAPI

from app.page.kept.sessions import Sessions
from app.page.model_list import larger, offered
from app.page.models import Models
from app.page.web.server import build_app
from vlm.assistant import Assistant

LoadWith = Callable[[argparse.Namespace], Assistant]


def page_of(
    assistant: Assistant,
    args: argparse.Namespace,
    auth: tuple[str, str] | None,
    load: LoadWith,
    local: bool,
) -> FastAPI:
    """Builds the page; on this machine alone (`local`) it offers every model that is on disk.

    Others may choose only among the models of `--models`.
    """
    sessions = Sessions()
    names = offered(args.model, args.models, on_disk=local)

    def load_named(name: str) -> Assistant:
        return load(argparse.Namespace(**{**vars(args), "model": name}))

    models = Models(load_named, names, assistant, sessions.stop_all)
    advice = larger(assistant.num_parameters) if local else ""
    return build_app(models, args.host, auth, sessions, advice=advice)
