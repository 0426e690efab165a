"""Published models that transformers runs whole, with the sizes of their parts, for the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vlm.image_text.costs import frame_size
from vlm.image_text.video_frames import Qwen3Frames, QwenFrames

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

NAMES = (
    "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
    "num_key_value_heads", "vocab_size",
)  # fmt: skip
MROPE = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]}
MROPE3 = {"rope_type": "default", "rope_theta": 5e6, "mrope_section": [24, 20, 20]}
# Limits of pixels of a picture in the folders' preprocessor_config.json.
LEAST_PIXELS, MOST_PIXELS = 56 * 56, 28 * 28 * 16384
LEAST_PIXELS_3, MOST_PIXELS_3 = 65_536, 16_777_216
FRAME_PIXELS_3 = {"shortest_edge": 4096, "longest_edge": 25_165_824}  # of a whole video


@dataclass(frozen=True)
class WholeModel:
    """A published model: its config, and the tokens of a picture and of a frame."""

    config: Callable[[], PreTrainedConfig]
    picture: Callable[[int, int], int]  # of width, height
    frame: Callable[[int, int], float]


def _qwen_picture(side: int, least: int, most: int) -> Callable[[int, int], int]:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import smart_resize

    def tokens(width: int, height: int) -> int:
        rows, columns = smart_resize(height, width, side, least, most)
        return rows * columns // side**2

    return tokens


def _qwen_frame(frames: QwenFrames) -> Callable[[int, int], float]:
    def tokens(width: int, height: int) -> float:
        width, height = frame_size(width, height)
        side = frames.patch_size * frames.merge_size
        rows, columns = frames.size(16, height, width)
        return rows * columns // side**2 / frames.temporal_patch_size

    return tokens


def _text(sizes: tuple[int, ...], tied: bool, **more: Any) -> dict[str, Any]:
    return {**dict(zip(NAMES, sizes, strict=True)), "tie_word_embeddings": tied, **more}


def _qwen2(sizes: tuple[int, ...], tied: bool) -> WholeModel:
    def config() -> PreTrainedConfig:
        from transformers import Qwen2VLConfig

        text = _text(sizes, tied, rope_parameters=dict(MROPE))
        vision = {"hidden_size": sizes[0]}
        return Qwen2VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=tied)

    picture = _qwen_picture(28, LEAST_PIXELS, MOST_PIXELS)
    return WholeModel(config, picture, _qwen_frame(QwenFrames({})))


def _qwen2_5(sizes: tuple[int, ...], tied: bool) -> WholeModel:
    def config() -> PreTrainedConfig:
        from transformers import Qwen2_5_VLConfig

        text = _text(sizes, tied, rope_parameters=dict(MROPE))
        vision = {"hidden_size": 1280, "out_hidden_size": sizes[0]}
        return Qwen2_5_VLConfig(text_config=text, vision_config=vision, tie_word_embeddings=tied)

    picture = _qwen_picture(28, LEAST_PIXELS, MOST_PIXELS)
    return WholeModel(config, picture, _qwen_frame(QwenFrames({})))


def _qwen3(sizes: tuple[int, ...], tied: bool, vision: Mapping[str, Any]) -> WholeModel:
    def config() -> PreTrainedConfig:
        from transformers import Qwen3VLConfig

        text = _text(sizes, tied, head_dim=128, rope_parameters=dict(MROPE3))
        whole = {**vision, "out_hidden_size": sizes[0]}
        return Qwen3VLConfig(text_config=text, vision_config=whole, tie_word_embeddings=tied)

    picture = _qwen_picture(32, LEAST_PIXELS_3, MOST_PIXELS_3)
    return WholeModel(config, picture, _qwen_frame(Qwen3Frames({"size": FRAME_PIXELS_3})))


SMALL_TOWER = {
    "depth": 24, "hidden_size": 1024, "intermediate_size": 4096,
    "deepstack_visual_indexes": [5, 11, 17],
}  # fmt: skip
WHOLE: dict[str, WholeModel] = {
    "Qwen/Qwen2-VL-2B-Instruct": _qwen2((1536, 8960, 28, 12, 2, 151936), True),
    "Qwen/Qwen2-VL-7B-Instruct": _qwen2((3584, 18944, 28, 28, 4, 152064), False),
    "Qwen/Qwen2.5-VL-3B-Instruct": _qwen2_5((2048, 11008, 36, 16, 2, 151936), True),
    "Qwen/Qwen2.5-VL-7B-Instruct": _qwen2_5((3584, 18944, 28, 28, 4, 152064), False),
    "Qwen/Qwen3-VL-2B-Instruct": _qwen3((2048, 6144, 28, 16, 8, 151936), True, SMALL_TOWER),
    "Qwen/Qwen3-VL-4B-Instruct": _qwen3((2560, 9728, 36, 32, 8, 151936), True, SMALL_TOWER),
    "Qwen/Qwen3-VL-8B-Instruct": _qwen3((4096, 12288, 36, 32, 8, 151936), False, {}),
}
