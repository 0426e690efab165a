"""Serves the page's own scripts and style: plain JavaScript modules, without a build step."""

from pathlib import Path

from fastapi import FastAPI, HTTPException
from starlette.responses import FileResponse

ASSETS = Path(__file__).parents[2] / "assets"
FILES = {path.name: path for path in (ASSETS / "page").iterdir()}
TYPES = {".js": "text/javascript", ".css": "text/css", ".json": "application/json"}

# A promise of the scripts: events of the page may come before they are loaded.
# The style is not given to Gradio, which would rewrite selectors that begin at the body.
HEAD = (
    '<link rel="stylesheet" href="page/chats.css">'
    '<script>window.revisit = import("./page/main.js").then((main) => main.revisit);</script>'
)


def add_scripts(app: FastAPI) -> None:
    """Adds the route of these files."""

    @app.get("/page/{name}")
    def script(name: str) -> FileResponse:
        if name not in FILES:
            raise HTTPException(404, "There is no such script.")
        headers = {"Cache-Control": "no-cache"}  # asks whether it changed
        return FileResponse(FILES[name], media_type=TYPES[FILES[name].suffix], headers=headers)
