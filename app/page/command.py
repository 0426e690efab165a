"""The command `python -m app chat`: checks its options, and serves the page."""

import argparse
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vlm.assistant import Assistant

LoadWith = Callable[[argparse.Namespace], "Assistant"]


def chat(args: argparse.Namespace, load: LoadWith) -> int:
    """Loads the model and serves the page until SIGINT or SIGTERM."""
    auth = _name_and_password(args.auth)
    if args.models:
        if args.api:
            raise ValueError("--models works without --api: programs are answered by one model.")
        args.model = args.models[0]
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    loopback = args.host in ("127.0.0.1", "localhost", "::1")
    if not loopback and auth is None and not args.without_password:
        raise ValueError(
            f"--host {args.host} would admit anyone who can reach this machine; "
            "add --auth USER:PASS, or --without-password to allow it."
        )
    if args.api and not loopback and not args.without_password:
        from app.serve.command import keys_of

        if not keys_of(args):
            raise ValueError("--api with another --host needs --api-key KEY.")
    if not 0 <= args.port <= 65535:
        raise ValueError(f"--port is {args.port}; it must be 0 (any free port) to 65535.")
    _say("Loading the model ...")
    from app.page.kept.uploads import private_folder

    private_folder()  # before importing Gradio, which otherwise creates its own
    from app.page.start import page_of
    from app.page.web.server import serve
    from app.serve.listening import listen_near

    listening = listen_near(args.host, args.port)
    port = listening.getsockname()[1]
    assistant = load(args)
    if args.port and port != args.port:
        _say(f"Port {args.port} is in use; using {port}.")
    address = f"http://{'localhost' if loopback else args.host}:{port}/"
    if args.api:
        from app.serve.command import page_and_api

        app: Any = page_and_api(assistant, args, auth)
        _say(f"Programs are answered at {address}v1")
    else:
        app = page_of(assistant, args, auth, load, loopback)
    _say(f"\n  {assistant.card['name']} is ready at  {address}\n  Press Ctrl-C to stop.\n")
    del assistant  # the page may free it for another model
    if args.open:
        import webbrowser

        webbrowser.open(address)
    serve(app, listening)
    return 0


def _say(sentence: str) -> None:
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()


def _name_and_password(given: str | None) -> tuple[str, str] | None:
    if given is None:
        return None
    name, colon, password = given.partition(":")
    if not (name and colon and password):
        raise ValueError("--auth takes NAME:PASSWORD, such as ann:a-good-password.")
    return name, password
