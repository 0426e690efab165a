"""GET /v1/models and /metrics."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.serve.errors import APIError
from app.serve.service import Service

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


async def models(service: Service, request: Request, owner: str) -> Response:
    """Lists the one model."""
    return JSONResponse({"object": "list", "data": [_card(service)]})


async def model(service: Service, request: Request, owner: str) -> Response:
    """Describes the model."""
    name = request.path_params["model"]
    if name != service.model:
        raise APIError(404, f"there is no model {name!r:.100}.", code="model_not_found")
    return JSONResponse(_card(service))


async def metrics(service: Service, request: Request, owner: str) -> Response:
    """Returns the counts for Prometheus."""
    return Response(service.metrics.text(), media_type=PROMETHEUS)


def _card(service: Service) -> dict[str, Any]:
    return {
        "id": service.model,
        "object": "model",
        "created": service.created,
        "owned_by": "revisit",
        "max_model_len": service.assistant.facts.context,
    }
