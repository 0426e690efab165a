"""From a conversation to model inputs, for training and chat.

    Conversation -> prepare (tiles, squares, timesteps) -> render (ids, labels) -> tensors

The number of looks at a picture is passed as a number: its pixels are never repeated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import (
    AutoProcessor,
    BatchFeature,
    PreTrainedTokenizerBase,
    ProcessorMixin,
)
from transformers.processing_utils import MultiModalData

from vlm.config import MAX_LOOKS, MAX_TILES, PromptConfig, PVCConfig
from vlm.conversation import Clip, Conversation, Image, Media, Message, Video, from_messages
from vlm.image_processor import PVCImageProcessor
from vlm.media.tilings import TILINGS
from vlm.message_media import read_part
from vlm.prompt.writer import PromptWriter
from vlm.timesteps import next_timestep, relative_timesteps


def add_image_tokens(tokenizer: PreTrainedTokenizerBase, prompt: PromptConfig) -> int:
    """Adds the picture markup to a tokenizer as special tokens; returns the number of new ones."""
    return tokenizer.add_special_tokens(
        {"additional_special_tokens": list(prompt.image_tokens)}, replace_extra_special_tokens=False
    )


@dataclass(frozen=True, eq=False)
class Rendered:
    """A conversation as ids and clips, before anything is a tensor."""

    ids: list[int]
    labels: list[int]  # the id within an answer to learn (end of turn included), else -100
    media: tuple[Media, ...]  # in the order of their placeholders

    @property
    def clips(self) -> list[Clip]:
        return [clip for media in self.media for clip in media.clips]

    @property
    def frames(self) -> list[np.ndarray]:
        """uint8 [T, S, S, 3] of each clip."""
        return [clip.frames for clip in self.clips]

    @property
    def clip_frames(self) -> list[int]:
        return [len(clip.frames) for clip in self.clips]

    @property
    def clip_looks(self) -> list[int]:
        return [clip.looks for clip in self.clips]

    @property
    def timesteps(self) -> list[float]:
        """The times of all looks, concatenated."""
        return [time for clip in self.clips for time in clip.timesteps]


class PVCProcessor(ProcessorMixin):
    """The image processor, the tokenizer and the prompt of a model, saved and loaded together."""

    def __init__(
        self,
        image_processor: PVCImageProcessor,
        tokenizer: PreTrainedTokenizerBase,
        tokens_per_look: int = 64,
        timestep_scale: float = 1.0,
        prompt: Mapping[str, Any] | None = None,
        timestep_form: str = "t/T",
    ) -> None:
        super().__init__(image_processor, tokenizer)
        self.tokens_per_look = tokens_per_look
        self.timestep_scale = timestep_scale
        self.timestep_form = timestep_form
        self.prompt = asdict(PromptConfig(**(prompt or {})))
        self.writer = PromptWriter(tokenizer, self.prompt_config, tokens_per_look)

    @classmethod
    def from_config(cls, config: PVCConfig, tokenizer: PreTrainedTokenizerBase) -> "PVCProcessor":
        """Builds the processor for a model with this config."""
        pictures = PVCImageProcessor(
            config.image_size, config.image_mean, config.image_std, config.prompt_config.layout
        )
        tower = config.tower_config
        return cls(
            pictures,
            tokenizer,
            config.tokens_per_look,
            tower.timestep_scale,
            config.prompt,
            tower.timestep_form,
        )

    @property
    def prompt_config(self) -> PromptConfig:
        return PromptConfig(**self.prompt)

    def prepare(self, part: Image | Video) -> Media:
        """Pixels of any size -> squares for the tower, with the time of each look."""
        if isinstance(part, Video):
            frames = self.image_processor.squares(part.frames)
            times = [float(time) for time in part.times]
            if len(times) != len(frames):
                raise ValueError(f"a video has {len(frames)} frames but {len(times)} times.")
            timesteps = tuple(self._timesteps(times))
            return Media(
                "video",
                (Clip(frames, timesteps),),
                tuple(times),
                part.words,
                duration=part.duration,
            )
        looks = self.prompt_config.looks if part.looks is None else part.looks
        most = max(MAX_LOOKS, self.prompt_config.looks)
        if not 1 <= looks <= most:
            raise ValueError(f"a picture has {looks} looks; it must be from 1 to {most}.")
        if not 1 <= part.max_tiles <= MAX_TILES:
            raise ValueError(
                f"a picture has at most {part.max_tiles} tiles; it must be from 1 to {MAX_TILES}."
            )
        timesteps = tuple(self._timesteps(range(looks)))
        tiles = self.image_processor.tiles(part.pixels, part.max_tiles)
        clips = tuple(Clip(tile[None], timesteps) for tile in tiles)
        grid = self.image_processor.grid(part.pixels, part.max_tiles)
        return Media("image", clips, words=part.words, grid=grid)

    def one_more_look(self, picture: Media) -> Media:
        """Returns a picture with one more look at each of its tiles; the others keep their time."""
        assert picture.kind == "image", "a video has no more looks than frames"
        last = picture.clips[0].timesteps
        more = next_timestep(last, self.timestep_scale, self.timestep_form)
        clips = tuple(Clip(clip.frames, (*clip.timesteps, more)) for clip in picture.clips)
        return replace(picture, clips=clips)

    def _timesteps(self, times: Sequence[float]) -> list[float]:
        return relative_timesteps(times, self.timestep_scale, self.timestep_form)

    def render(self, conversation: Conversation, add_generation_prompt: bool = False) -> Rendered:
        """Returns token ids, labels and clips of a conversation."""
        prepared = Conversation(
            tuple(
                Message(
                    message.role,
                    tuple(
                        self.prepare(part) if isinstance(part, Image | Video) else part
                        for part in message.parts
                    ),
                    message.has_loss,
                )
                for message in conversation.messages
            )
        )
        written = self.writer.write(prepared, add_generation_prompt)
        return Rendered(written.ids, written.labels, written.media)

    def look_order(self, media: Sequence[Media]) -> list[int] | None:
        """Returns the order of the looks in the prompt, None if it is the order of `encode`.

        `encode` returns all looks at one tile together. Prompts with tile_order "look" list all
        tiles at their first look, then all at their second.
        """
        if self.prompt_config.tile_order == "tile":
            return None
        order: list[int] = []
        for item in media:
            start = len(order)
            looks = item.looks // len(item.clips)
            order += [
                start + tile * looks + look
                for look in range(looks)
                for tile in range(len(item.clips))
            ]
        return order

    def pixel_values(self, frames: np.ndarray | Tensor) -> Tensor:
        """uint8 [F, S, S, 3] -> float [F, 3, S, S], normalized."""
        return self.image_processor.pixel_values(frames)

    def _get_num_multimodal_tokens(
        self,
        image_sizes: Sequence[Sequence[int]] | None = None,
        video_sizes: Sequence[Sequence[int]] | None = None,
        max_tiles: int = 1,
        **kwargs: Any,
    ) -> MultiModalData:
        """Counts placeholders before anything is decoded; engines call it by this name.

        image_sizes are (height, width), video_sizes (frames, height, width). Each square of a
        picture, or patch as transformers calls it, has its own looks.
        """
        counts: dict[str, list[int]] = {}
        if image_sizes is not None:
            pictures = self.image_processor
            count = TILINGS[pictures.tiling].count
            size = pictures.image_size
            squares = [count(width, height, max_tiles, size) for height, width in image_sizes]
            each = self.prompt_config.looks * self.tokens_per_look
            counts["num_image_patches"] = squares
            counts["num_image_tokens"] = [number * each for number in squares]
        if video_sizes is not None:
            counts["num_video_tokens"] = [size[0] * self.tokens_per_look for size in video_sizes]
        return MultiModalData(**counts)

    def __call__(
        self,
        conversations: Conversation | Sequence[Conversation],
        add_generation_prompt: bool = True,
        **kwargs: Any,
    ) -> BatchFeature:
        """Returns inputs of the model's `generate` and `forward`, padded on the left."""
        if isinstance(conversations, Conversation):
            conversations = [conversations]
        rendered = [self.render(item, add_generation_prompt) for item in conversations]
        length = max(len(item.ids) for item in rendered)
        padding = self.tokenizer.pad_token_id or 0
        short = [length - len(item.ids) for item in rendered]
        inputs: dict[str, Tensor] = {
            "input_ids": torch.tensor(
                [[padding] * n + item.ids for n, item in zip(short, rendered, strict=True)]
            ),
            "attention_mask": torch.tensor([[0] * n + [1] * (length - n) for n in short]),
        }
        frames = [frames for item in rendered for frames in item.frames]
        if frames:
            if self.look_order([media for item in rendered for media in item.media]) is not None:
                raise ValueError(
                    'prompts with tile_order "look" need their visual tokens reordered: encode'
                    " them, index them with processor.look_order, and pass visual_tokens."
                )
            inputs |= {
                "pixel_values": self.pixel_values(np.concatenate(frames)),
                "clip_frames": torch.tensor([n for item in rendered for n in item.clip_frames]),
                "clip_looks": torch.tensor([n for item in rendered for n in item.clip_looks]),
                "timesteps": torch.tensor([t for item in rendered for t in item.timesteps]),
            }
        return BatchFeature(inputs)

    def apply_chat_template(
        self,
        conversation: Sequence[Mapping[str, Any]],
        add_generation_prompt: bool = False,
        num_frames: int | None = None,
        **kwargs: Any,
    ) -> BatchFeature:
        """Converts messages of the common form to model inputs; media are paths, PIL or arrays.

        The template is data, not Jinja: text that a user typed cannot become a special token.
        """

        def read(part: Mapping[str, Any]) -> Image | Video:
            return read_part(part, num_frames or self.prompt_config.default_frames)

        return self(from_messages(conversation, read), add_generation_prompt)


AutoProcessor.register(PVCConfig, PVCProcessor)
