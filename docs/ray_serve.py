"""Replicas of the server under Ray Serve, one on each GPU.

    pip install "ray[serve]"
    REVISIT_API_KEY=a-long-random-key serve run docs.ray_serve:app     # in the checkout

REVISIT_MODEL is a folder of weights, REVISIT_REPLICAS their number, REVISIT_GPUS=0 uses CPUs. Every
replica is a whole server with its own caches, files and kept conversations, and Ray sends each
request to any of them: with more than one, send media within the request, not by `file_id`, and all
turns, not `previous_response_id`.
"""

import os
from pathlib import Path

from fastapi import FastAPI
from ray import serve

from app.page.kept.uploads import private_folder
from app.serve.keys import Keys
from app.serve.routes import build_api
from app.serve.service import Service
from vlm.assistant import Assistant

MODEL = os.environ.get("REVISIT_MODEL", "embedded")
GPUS = float(os.environ.get("REVISIT_GPUS", "1"))


def build() -> FastAPI:
    """Builds the server of one replica, in its process."""
    keys = Keys([key for key in os.environ.get("REVISIT_API_KEY", "").split(",") if key])
    assistant = Assistant.load(MODEL, device="cuda" if GPUS else "cpu")
    service = Service(assistant, Path(MODEL).name, private_folder(), keys)
    return build_api(service, host="0.0.0.0")  # behind Ray's proxy, which checks no host


@serve.deployment(
    num_replicas=int(os.environ.get("REVISIT_REPLICAS", "1")),
    ray_actor_options={"num_gpus": GPUS},
    max_ongoing_requests=64,
)
@serve.ingress(build)
class Revisit:
    """One replica."""


app = Revisit.bind()
