"""A tiny model in vLLM answers as ours does: the same prompts, tokens and log-probabilities.

pytest plugins/vllm/tests        # in the environment that try.sh builds
"""

import base64
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
vllm = pytest.importorskip("vllm", reason="vLLM is not installed: see plugins/vllm/try.sh")

from media_maker import write_video  # noqa: E402
from PIL import Image as Picture  # noqa: E402
from revisit_vllm.template import chat_template  # noqa: E402
from revisit_vllm.video_loader import ConfinedVideoLoader  # noqa: E402
from tiny import tiny_tokenizer  # noqa: E402

from vlm.conversation import Conversation, Image, Message, Part, Text, Video  # noqa: E402
from vlm.model import PVCForConditionalGeneration  # noqa: E402
from vlm.presets import build_model, preset_config  # noqa: E402
from vlm.processor import PVCProcessor  # noqa: E402

TOKENS = 6
TEXT = {"hidden_size": 64, "intermediate_size": 64, "num_attention_heads": 2, "head_dim": 32}


class Pair:
    """One model, in vLLM and as ours."""

    def __init__(self, folder: Path) -> None:
        self.model = PVCForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).eval()
        self.processor = PVCProcessor.from_pretrained(folder)
        self.template = chat_template(self.processor)
        self.vllm = vllm.LLM(
            str(folder),
            dtype="float32",
            enforce_eager=True,
            max_model_len=1024,
            max_num_seqs=2,
            limit_mm_per_prompt={"image": 3, "video": 2},
            media_io_kwargs={"video": {"num_frames": 4}},
        )

    def theirs(self, messages: list[dict[str, Any]]) -> tuple[list[int], list[int], list[float]]:
        """Returns vLLM's prompt, its tokens and their log-probabilities."""
        how = vllm.SamplingParams(temperature=0, max_tokens=TOKENS, logprobs=1, ignore_eos=True)
        (found,) = self.vllm.chat(
            messages,
            how,
            chat_template=self.template,
            use_tqdm=False,
            chat_template_content_format="openai",
        )
        answer = found.outputs[0]
        known = [
            step[token].logprob
            for token, step in zip(answer.token_ids, answer.logprobs, strict=True)
        ]
        return list(found.prompt_token_ids), list(answer.token_ids), known

    @torch.inference_mode()
    def ours(self, conversation: Conversation) -> tuple[list[int], list[int], list[float]]:
        """Returns the same of our model, computed afresh for every token."""
        inputs = dict(self.processor(conversation))
        prompt = inputs.pop("input_ids")
        inputs.pop("attention_mask")
        ids, known = prompt, []
        for _ in range(TOKENS):
            logits = self.model(input_ids=ids, **inputs).logits[0, -1].log_softmax(-1)
            best = int(logits.argmax())
            known.append(float(logits[best]))
            ids = torch.cat([ids, torch.tensor([[best]])], 1)
        return prompt[0].tolist(), ids[0, prompt.shape[1] :].tolist(), known


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("model")
    labels = {"frame_label": "Frame{index}: ", "default_frames": 4, "default_tiles": 4}
    text = {**preset_config("test").text_config.to_dict(), **TEXT}
    model = build_model("test", seed=0, text_config=text, prompt=labels)
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1 and "embed_tokens" not in name:
            parameter.data.mul_(8)  # initial weights are so small that all prompts have one answer
    model.save_pretrained(folder)
    PVCProcessor.from_config(model.config, tiny_tokenizer()).save_pretrained(folder)
    return Pair(folder)


def picture(seed: int, size: tuple[int, int] = (64, 32)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = write_video(tmp_path_factory.mktemp("media") / "clip.mp4", 40, fps=10, size=(64, 48))
    return path.read_bytes()


def part(medium: Image | Video | str, film: bytes) -> dict[str, Any]:
    """The same medium as vLLM takes it."""
    if isinstance(medium, str):
        return {"type": "text", "text": medium}
    if isinstance(medium, Image):
        return {"type": "image_pil", "image_pil": Picture.fromarray(medium.pixels)}
    url = "data:video/mp4;base64," + base64.b64encode(film).decode()
    return {"type": "video_url", "video_url": {"url": url}}


def compare(pair: Pair, turns: Sequence[Sequence[Image | Video | str]], film: bytes) -> None:
    """Asks both the turns of a user, with a short answer between them."""
    messages: list[dict[str, Any]] = []
    ours: list[Message] = []
    for turn in turns:
        if messages:
            messages.append({"role": "assistant", "content": "Yes."})
            ours.append(Message("assistant", (Text("Yes."),)))
        messages.append({"role": "user", "content": [part(item, film) for item in turn]})
        parts: tuple[Part, ...] = tuple(Text(i) if isinstance(i, str) else i for i in turn)
        ours.append(Message("user", parts))
    prompt, tokens, logprobs = pair.theirs(messages)
    own_prompt, own_tokens, own_logprobs = pair.ours(Conversation(tuple(ours)))
    assert prompt == own_prompt
    assert tokens == own_tokens
    for theirs, own in zip(logprobs, own_logprobs, strict=True):
        assert math.isclose(theirs, own, abs_tol=1e-3), (logprobs, own_logprobs)


def video(film: bytes) -> Video:
    """The film as the loader reads it for vLLM."""
    frames, known = ConfinedVideoLoader.load_bytes(film, num_frames=4)
    return Video(frames, np.array(known["times"]), duration=known["duration"])


def still(seed: int) -> Image:
    return Image(picture(seed), max_tiles=4)


def test_text_is_answered_as_ours(pair: Pair, film: bytes) -> None:
    compare(pair, [["What is this?"]], film)


def test_a_picture_is_answered_as_ours(pair: Pair, film: bytes) -> None:
    compare(pair, [[still(0), "What is this?"]], film)


def test_several_pictures_are_numbered_as_ours(pair: Pair, film: bytes) -> None:
    compare(pair, [[still(0), still(1), "What differs?"]], film)


def test_a_later_picture_is_numbered_and_the_first_is_not(pair: Pair, film: bytes) -> None:
    compare(pair, [[still(0), "What is this?"], [still(1), "And this?"]], film)


def test_a_video_is_answered_as_ours(pair: Pair, film: bytes) -> None:
    compare(pair, [[video(film), "What happens?"]], film)


def test_pictures_and_a_video_are_answered_as_ours(pair: Pair, film: bytes) -> None:
    compare(pair, [["Look: ", still(2), "then ", video(film), "What happens?"]], film)


def test_a_medium_known_to_the_cache_is_numbered_anew(pair: Pair, film: bytes) -> None:
    for _ in range(2):
        compare(pair, [[still(3), "One."]], film)
        compare(pair, [[still(4), still(3), "Two."]], film)


def test_the_prompt_decides_the_answer(pair: Pair, film: bytes) -> None:
    """The comparison above would be worth nothing if all prompts had one answer."""
    found = [
        tuple(pair.ours(Conversation((Message("user", tuple(parts)),)))[1])
        for parts in (
            [still(0), Text("What?")],
            [still(1), Text("What?")],
            [video(film), Text("What?")],
            [Text("What?")],
        )
    ]
    assert len(set(found)) > 2, found


def test_a_file_that_cannot_be_read_is_refused_without_a_path() -> None:
    with pytest.raises(ValueError, match="the video") as refused:
        ConfinedVideoLoader.load_bytes(b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/film.ts\n")
    assert "/tmp" not in str(refused.value)
