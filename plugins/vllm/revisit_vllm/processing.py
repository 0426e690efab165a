"""From pictures and videos to squares for the tower, and to the tokens that stand for them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from transformers import BatchFeature
from vllm.multimodal.inputs import MultiModalFieldConfig, MultiModalKwargsItems
from vllm.multimodal.parse import MultiModalDataItems, MultiModalDataParser
from vllm.multimodal.processing import (
    BaseDummyInputsBuilder,
    BaseMultiModalProcessor,
    BaseProcessingInfo,
    PromptReplacement,
    PromptUpdate,
    PromptUpdateDetails,
)

from revisit_vllm.prompt import find_placeholders, in_place, placeholder_ids, placeholders, span
from vlm.conversation import Image, Media, Video
from vlm.media.pixels import pixels_of
from vlm.processor import PVCProcessor
from vlm.prompt.writer import PromptWriter

OPTIONS = ("looks", "tiles")  # of mm_processor_kwargs
PER_FRAME = 16  # tokens of a frame's label and marks, at most


class PVCInfo(BaseProcessingInfo):
    """What vLLM asks about a model before it reads anything."""

    def get_hf_processor(self, **kwargs: object) -> PVCProcessor:
        processor = self.ctx.get_hf_processor(PVCProcessor)
        if processor.writer.layout.merges_text:
            name = processor.prompt_config.layout
            raise ValueError(f"vLLM has models with the layout {name} of its own; use those.")
        return processor

    def get_supported_mm_limits(self) -> Mapping[str, int | None]:
        return {"image": None, "video": None}

    def get_data_parser(self) -> MultiModalDataParser:
        return MultiModalDataParser(video_needs_metadata=True)  # the times of the frames

    def most_frames(self, seq_len: int, mm_counts: Mapping[str, int]) -> int:
        """Returns how many frames each video of a prompt may have."""
        processor = self.get_hf_processor()
        prompt = processor.prompt_config
        pictures = mm_counts.get("image", 0) * processor.writer.image_tokens(
            prompt.looks * (prompt.default_tiles + 1), number=9
        )
        per_video = (seq_len - pictures) // max(mm_counts.get("video", 0), 1)
        most = per_video // (processor.tokens_per_look + PER_FRAME)
        return max(1, min(most, prompt.max_frames))


class PVCDummyInputs(BaseDummyInputsBuilder[PVCInfo]):
    """The largest inputs, by which vLLM measures memory."""

    def get_dummy_text(self, mm_counts: Mapping[str, int]) -> str:
        image, video = placeholders(self.info.get_hf_processor())
        return image * mm_counts.get("image", 0) + video * mm_counts.get("video", 0)

    def get_dummy_mm_data(
        self, seq_len: int, mm_counts: Mapping[str, int], mm_options: Mapping[str, Any]
    ) -> dict[str, Any]:
        processor = self.info.get_hf_processor()
        side, tiles = processor.image_processor.image_size, processor.prompt_config.default_tiles
        count = self.info.most_frames(seq_len, mm_counts)
        frames = np.zeros((count, side, side, 3), np.uint8)
        known = {"times": [float(i) for i in range(count)], "fps": 1.0}
        return {
            "image": self._get_dummy_images(
                width=side * tiles, height=side, num_images=mm_counts.get("image", 0)
            ),
            "video": [(frames, dict(known)) for _ in range(mm_counts.get("video", 0))],
        }


class PVCMultiModalProcessor(BaseMultiModalProcessor[PVCInfo]):
    """Prepares media as our own processor does, and writes their tokens with its writer."""

    def _call_hf_processor(
        self, hf_data: Mapping[str, Any], hf_kwargs: Mapping[str, object]
    ) -> BatchFeature:
        given = self.info.ctx.get_merged_mm_kwargs(hf_kwargs)
        if unknown := sorted(given.keys() - {*OPTIONS}):
            raise ValueError(f"unknown {unknown[0]!r}; mm_processor_kwargs has {OPTIONS}.")
        processor = self.info.get_hf_processor()
        tiles = given.get("tiles") or processor.prompt_config.default_tiles
        images = [
            processor.prepare(Image(_pixels(image), given.get("looks"), tiles))
            for image in hf_data.get("images", ())
        ]
        videos = [processor.prepare(_video(*video)) for video in hf_data.get("videos", ())]
        found: dict[str, Any] = {}
        if images:
            found |= _stacked("image", images)
            found["image_grids"] = torch.tensor([media.grid for media in images])
        if videos:
            found |= _stacked("video", videos)
        return BatchFeature(found)

    def _get_mm_fields_config(
        self, hf_inputs: BatchFeature, hf_processor_mm_kwargs: Mapping[str, object]
    ) -> Mapping[str, MultiModalFieldConfig]:
        fields = {}
        for kind in ("image", "video"):
            if f"{kind}_clips" not in hf_inputs:
                continue
            clips, looks = hf_inputs[f"{kind}_clips"], hf_inputs[f"{kind}_looks"]
            frames = hf_inputs[f"{kind}_num_frames"]
            fields[f"{kind}_frames"] = MultiModalFieldConfig.flat_from_sizes(kind, frames)
            fields[f"{kind}_timesteps"] = MultiModalFieldConfig.flat_from_sizes(kind, clips * looks)
            for name in ("clips", "looks", "num_frames"):
                field = MultiModalFieldConfig.batched(kind, keep_on_cpu=True)
                fields[f"{kind}_{name}"] = field
        if "image_grids" in hf_inputs:
            fields["image_grids"] = MultiModalFieldConfig.batched("image", keep_on_cpu=True)
        return fields

    def _get_prompt_updates(
        self,
        mm_items: MultiModalDataItems,
        hf_processor_mm_kwargs: Mapping[str, object],
        out_mm_kwargs: MultiModalKwargsItems,
    ) -> Sequence[PromptUpdate]:
        processor = self.info.get_hf_processor()
        writer = processor.writer

        def image(index: int) -> PromptUpdateDetails:
            known = out_mm_kwargs["image"][index].get_data()
            looks = int(known["image_clips"]) * int(known["image_looks"])
            columns, rows = known["image_grids"].tolist()
            return _select(span(writer.layout.image(looks, (columns, rows), 0), writer), writer)

        def video(index: int) -> PromptUpdateDetails:
            known = out_mm_kwargs["video"][index].get_data()
            times = [0.0] * int(known["video_num_frames"])  # this layout writes none
            return _select(span(writer.layout.video(times, None), writer), writer)

        targets = placeholder_ids(writer)
        return [
            PromptReplacement("image", targets["image"], image),
            PromptReplacement("video", targets["video"], video),
        ]

    def _apply_prompt_updates(self, token_ids: list[int], mm_prompt_updates: Any) -> Any:
        """Numbers the pictures as our writer does, which depends on the whole prompt.

        A line ends after each medium; vLLM's own line end after a placeholder counts as that.
        """
        writer = self.info.get_hf_processor().writer
        written: dict[str, Any] = {}
        for kind, places in find_placeholders(token_ids, writer).items():
            items = []
            for place, updates in zip(places, mm_prompt_updates.get(kind, ()), strict=False):
                (update,) = updates
                ids = in_place(update.content.full, place, writer)
                items.append([replace(update, content=_select(ids, writer))])
            written[kind] = items or mm_prompt_updates.get(kind, [])
        known = {kind: written[kind] for kind in mm_prompt_updates}
        return super()._apply_prompt_updates(token_ids, known)


def _select(ids: list[int], writer: PromptWriter) -> PromptUpdateDetails:
    return PromptUpdateDetails.select_token_id(ids, writer.image_token_id)


def _stacked(kind: str, media: Sequence[Media]) -> dict[str, torch.Tensor]:
    """Joins media of one kind: squares [sum of frames, S, S, 3], timesteps, and their counts."""
    clips = [clip for item in media for clip in item.clips]
    return {
        f"{kind}_frames": torch.from_numpy(np.concatenate([clip.frames for clip in clips])),
        f"{kind}_timesteps": torch.tensor([t for clip in clips for t in clip.timesteps]),
        f"{kind}_clips": torch.tensor([len(item.clips) for item in media]),
        f"{kind}_looks": torch.tensor([item.clips[0].looks for item in media]),
        f"{kind}_num_frames": torch.tensor(
            [sum(len(clip.frames) for clip in item.clips) for item in media]
        ),
    }


def _pixels(image: Any) -> np.ndarray:
    """Returns the pixels [H, W, 3] of a picture of vLLM's: PIL, or an array."""
    return pixels_of(image) if hasattr(image, "convert") else np.asarray(image, np.uint8)


def _video(frames: Any, known: Mapping[str, Any]) -> Video:
    """Frames with their times, which come from our loader, or from another's frame numbers."""
    pixels = np.asarray(frames, np.uint8)
    times = known.get("times")
    if times is None:
        numbers = known.get("frames_indices", range(len(pixels)))
        times = [number / (known.get("fps") or 1.0) for number in numbers]
    return Video(pixels, np.asarray(times, np.float64), duration=known.get("duration") or None)
