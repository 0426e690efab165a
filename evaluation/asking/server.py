"""A peer behind an OpenAI-compatible address: `run --server URL --model-name M`.

The peer gets the questions, frames and prompts that a loaded model gets: frames as JPEG images in
order, at most `SHORT_SIDE` pixels on their short side, pictures whole. What the interface lacks is
added as text: the beginning of a reply that a protocol prefills ends the question, and experts'
words follow their picture. The one module of evaluation that opens a connection, and only if asked.
"""

import base64
import hashlib
import io
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image as Picture

from evaluation.asking.asker import View
from evaluation.asking.described import described
from evaluation.asking.prompts import Answer, GenerateSettings, Prompt
from vlm.config import PromptConfig
from vlm.conversation import Conversation, Image, Message, Part, Text, Video
from vlm.experts.expert_words import SHORT_SIDE, ExpertWords
from vlm.media.decode import MediaInfo
from vlm.presets import preset_config

KEY = "REVISIT_SERVER_KEY"  # environment variable with the address's key, if it needs one
FRAMES = 32  # of a video, unless --frames or the benchmark sets a number
LONGEST = 2048  # pixels of a picture's longest side
QUALITY = 95  # of JPEG
TIMEOUT = 600.0  # seconds for one answer
REPLIES = 2**22  # bytes of a reply that are read


class ServerError(ValueError):
    """The address did not answer; one sentence."""


@dataclass
class ServerAsker:
    """Asks a model behind an address; several questions of a batch at a time."""

    url: str
    name: str
    batch_size: int = 1
    settings: GenerateSettings = GenerateSettings()
    words: ExpertWords | None = None
    timeout: float = TIMEOUT

    def __post_init__(self) -> None:
        self.url = self.url.rstrip("/")
        if not self.url.startswith(("http://", "https://")):
            raise ValueError(
                f"--server {self.url} is not an address that begins with http:// or https://."
            )
        if "@" in self.url.split("/")[2]:
            raise ValueError(f"--server takes no name and password; put a key into {KEY}.")
        if self.batch_size < 1:
            raise ValueError(f"the batch size is {self.batch_size}; it must be 1 or more.")

    @property
    def view(self) -> View:
        chat = PromptConfig(**preset_config("embedded").prompt)
        return View(FRAMES, SHORT_SIDE, chat, squares=False)

    @property
    def device(self) -> torch.device:
        return torch.device("cpu")

    def template(self) -> str:
        """Hashes what this module makes of a conversation."""
        sample = Conversation((Message("user", (Text("What happens in 3 s?"),)),))
        return hashlib.sha256(repr(_messages(sample, "(", True)).encode()).hexdigest()

    def describe(self) -> dict[str, Any]:
        """Describes the peer for the manifest, as far as an address can be described."""
        unknown = dict.fromkeys(("sha256", "parameters", "dtype", "attention"))
        return {"name": self.name, "server": self.url, **unknown}

    def with_settings(self, settings: GenerateSettings) -> "ServerAsker":
        """Returns the same peer, asked differently."""
        other = copy(self)
        other.settings = settings
        return other

    def plan(self, conversation: Conversation, infos: Sequence[MediaInfo]) -> None:
        """A peer's context is unknown: what does not fit there is an error of its server."""

    def check(self) -> None:
        """Raises ServerError if nothing answers at the address, or not by this name."""
        try:
            listed = self._call("/models")
        except ServerError as error:
            if "answered with the status" in str(error):
                return  # there is a server, which lists no models
            raise
        names = [str(one.get("id")) for one in listed.get("data") or () if isinstance(one, dict)]
        if names and self.name not in names:
            raise ServerError(
                f"{self.url} has no model {self.name!r}; it has {', '.join(names[:8])}."
            )

    def answer(self, prompts: Sequence[Prompt]) -> list[Answer]:
        """Returns one answer each, in order. A request that fails becomes an `error`."""
        with ThreadPoolExecutor(max(1, min(self.batch_size, len(prompts)))) as pool:
            return list(pool.map(self._answer, prompts))

    def _answer(self, prompt: Prompt) -> Answer:
        chosen = self.settings
        shown = described(prompt.conversation, self.words)
        with_media = chosen.media and not chosen.words_only
        body: dict[str, Any] = {
            "model": self.name,
            "messages": _messages(shown, prompt.reply, with_media),
            "max_tokens": chosen.max_new_tokens,
            "temperature": chosen.temperature,
            "top_p": chosen.top_p,
            "seed": chosen.seed,
        }
        if chosen.until:
            body["stop"] = list(chosen.until)
        started = time.perf_counter()
        try:
            reply = self._call("/chat/completions", body)
            text = _text(reply)
        except ServerError as error:
            return Answer("", error=str(error))
        usage = reply.get("usage") or {}
        return Answer(
            text,
            _count(usage.get("prompt_tokens")),
            _count(usage.get("completion_tokens")),
            seconds_decode=time.perf_counter() - started,
        )

    def _call(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Sends a request and returns the reply. Raises ServerError in one sentence."""
        headers = {"Content-Type": "application/json"}
        if os.environ.get(KEY):
            headers["Authorization"] = f"Bearer {os.environ[KEY]}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers)  # noqa: S310 - checked
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as reply:  # noqa: S310
                found = json.loads(reply.read(REPLIES))
        except urllib.error.HTTPError as error:
            detail = error.read(300).decode("utf-8", "replace").split("\n")[0]
            raise ServerError(
                f"{self.url} answered with the status {error.code}: {detail or error.reason}"
            ) from error
        except (OSError, ValueError) as error:  # URLError is an OSError
            cause = getattr(error, "reason", error)
            words = getattr(cause, "strerror", None) or str(cause)
            raise ServerError(f"{self.url} cannot be asked ({words}).") from error
        if not isinstance(found, dict):
            raise ServerError(f"{self.url} sent a reply that is not a JSON object.")
        return found


def _messages(conversation: Conversation, reply: str, with_media: bool) -> list[dict[str, Any]]:
    """Writes a conversation in the interface's form; `reply` ends the last question."""
    written: list[dict[str, Any]] = []
    for message in conversation.messages:
        parts = [one for part in message.parts for one in _parts(part, with_media)]
        if message.role != "user":
            text = "".join(part["text"] for part in parts)
            written.append({"role": message.role, "content": text})
        else:
            written.append({"role": "user", "content": parts})
    if reply:
        written[-1]["content"].append({"type": "text", "text": f"\n{reply}"})
    return written


def _parts(part: Part, with_media: bool) -> list[dict[str, Any]]:
    if isinstance(part, Text):
        return [{"type": "text", "text": part.text}]
    assert isinstance(part, Image | Video)
    frames = part.frames if isinstance(part, Video) else part.pixels[None]  # [T, H, W, 3]
    found = [_image(frame) for frame in frames] if with_media else []
    words = "".join(f"{line}\n" for line in part.words if line)
    return [*found, *([{"type": "text", "text": words}] if words else [])]


def _image(pixels: np.ndarray) -> dict[str, Any]:
    """Encodes a frame [H, W, 3] as JPEG in a data address."""
    picture = Picture.fromarray(pixels)
    picture.thumbnail((LONGEST, LONGEST), Picture.Resampling.BICUBIC)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=QUALITY)
    data = base64.b64encode(out.getvalue()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}}


def _text(reply: dict[str, Any]) -> str:
    """Returns the answer of a reply. Raises ServerError if it has none."""
    try:
        content = reply["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError) as error:
        raise ServerError("the server's reply has no choices[0].message.content.") from error
    if isinstance(content, list):  # parts
        content = "".join(part.get("text", "") for part in content if isinstance(part, dict))
    return str(content or "")


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
