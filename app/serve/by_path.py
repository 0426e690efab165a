"""The page and the API on one port: `python -m app chat --api`."""

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from app.serve.routes import build_api
from app.serve.service import Service

API_PATHS = ("/v1/", "/health", "/metrics")


class ByPath:
    """ASGI application: the API answers its own paths, the page all others."""

    def __init__(self, page: FastAPI, service: Service, host: str) -> None:
        self.page, self.service = page, service
        self.api = build_api(service, host)
        self.state = self  # where `app.page.web.server.serve` finds `end`

    def end(self) -> None:
        """Stops all answers, for shutdown."""
        self.service.admission.draining = True
        self.service.stops.set_all()
        self.page.state.end()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(API_PATHS):
            await self.api(scope, receive, send)
        else:
            await self.page(scope, receive, send)
