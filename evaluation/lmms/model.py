"""The model classes that lmms-eval calls, for chat and simple tasks.

    lmms-eval --model revisit --model_args pretrained=embedded,num_frames=16 --batch_size 8 \\
        --tasks videomme --output_path out --log_samples

Answers are in request order, with token counts; requests with equal generation settings share
batches. Media are decoded ahead, in processes of their own. A file that cannot be read gets an
empty answer and is counted in the log, because an error would lose the whole run.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from lmms_eval.api.instance import GenerationResult, Instance, TokenCounts
from lmms_eval.api.model import lmms
from lmms_eval.models.model_utils.gen_metrics import log_metrics
from loguru import logger
from tqdm import tqdm

from evaluation.asking.answerer import Answerer, GenerateSettings, Prompt
from evaluation.lmms.requests import (
    UNTIL_RULES,
    from_chat,
    from_simple,
    settings_from,
    unknown_settings,
)
from vlm.conversation import Conversation
from vlm.media.decode import MediaReader

Read = Callable[[], tuple[Conversation, str]]  # a conversation and the beginning of the reply


class Revisit(lmms):
    """The model for chat tasks, whose requests are messages."""

    is_simple = False

    def __init__(
        self,
        pretrained: str = "embedded",
        batch_size: int | str = 1,
        device: str | None = None,
        dtype: str | None = None,
        num_frames: int | None = None,
        max_tiles: int | None = None,
        looks: int | None = None,
        max_new_tokens: int = 128,
        seed: int = 0,
        until: str = "task",
        max_batch_size: int | None = None,
    ) -> None:
        super().__init__()
        if until not in UNTIL_RULES:
            raise ValueError(f"until={until}; known are {', '.join(UNTIL_RULES)}.")
        if not str(batch_size).isdigit():
            raise ValueError(f"the batch size is {batch_size!r}; it must be a number.")
        if dtype not in (None, "float32", "bfloat16", "float16"):
            raise ValueError(f"dtype={dtype}; known are float32, bfloat16 and float16.")
        if device is None and torch.cuda.is_available():
            device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
        self.until_rule = until
        self.settings = GenerateSettings(
            num_frames, max_tiles, looks, int(max_new_tokens), seed=int(seed)
        )
        # Not an nn.Module: lmms-eval deletes all modules it finds here after each run.
        self.answerer = Answerer.load(
            pretrained,
            int(batch_size),
            self.settings,
            getattr(torch, dtype) if dtype else None,
            device,
        )
        self.batch_size = int(batch_size)
        self.num_frames = num_frames or self.answerer.processor.prompt_config.default_frames

    @property
    def device(self) -> torch.device:
        return self.answerer.model.device

    @property
    def tokenizer_name(self) -> str:
        return str(self.answerer.processor.tokenizer.name_or_path)

    @property
    def chat_template(self) -> str:
        return str(self.answerer.processor.prompt_config.template)

    def generate_until(self, requests: Sequence[Instance]) -> list[GenerationResult]:
        """Returns one answer per request, in order."""
        answers: list[GenerationResult | None] = [None] * len(requests)
        groups: dict[GenerateSettings, list[int]] = {}
        ignored: set[str] = set()
        for index, request in enumerate(requests):
            requested = self.requested(request)
            ignored.update(unknown_settings(requested))
            settings = settings_from(requested, self.settings, self.until_rule)
            groups.setdefault(settings, []).append(index)
        if ignored:
            logger.warning(f"revisit ignores the generation settings {', '.join(sorted(ignored))}")

        started = time.perf_counter()
        bar = tqdm(total=len(requests), disable=self.rank != 0, desc="revisit", unit="request")
        unanswered = 0
        with bar, MediaReader() as reader:
            for settings, indices in groups.items():
                answerer = self.answerer.with_settings(settings)
                batches = [
                    indices[start : start + self.batch_size]
                    for start in range(0, len(indices), self.batch_size)
                ]
                for batch, read in self._read_ahead(requests, batches, reader):
                    prompts = [item for item in read if isinstance(item, Prompt)]
                    answers_in_order = iter(answerer.answer(prompts))
                    for index, item in zip(batch, read, strict=True):
                        if isinstance(item, Prompt):
                            answer = next(answers_in_order)
                            text, error = answer.text, answer.error
                            counts = TokenCounts(answer.input_tokens, answer.output_tokens)
                        else:
                            text, error, counts = "", item, TokenCounts(0, 0)
                        if error:
                            unanswered += 1
                            logger.error(f"request {index} gets an empty answer: {error}")
                        answers[index] = GenerationResult(text, counts)
                    bar.update(len(batch))
        if unanswered:
            logger.error(f"{unanswered} of {len(requests)} requests could not be answered.")
        done = [answer for answer in answers if answer is not None]
        assert len(done) == len(requests)
        self._log_speed(done, time.perf_counter() - started, unanswered)
        return done

    def _read_ahead(
        self, requests: Sequence[Instance], batches: Sequence[list[int]], reader: MediaReader
    ) -> Iterator[tuple[list[int], list[Prompt | str]]]:
        """Yields batches with decoded media; decodes the next one while the current is answered."""

        def read(batch: list[int]) -> list[Prompt | str]:
            return [self._read(index, requests[index], reader) for index in batch]

        with ThreadPoolExecutor(1) as pool:
            coming = pool.submit(read, batches[0])
            for i, batch in enumerate(batches):
                decoded = coming.result()
                if i + 1 < len(batches):
                    coming = pool.submit(read, batches[i + 1])
                yield batch, decoded

    def _read(self, index: int, request: Instance, reader: MediaReader) -> Prompt | str:
        """Returns the decoded request, or the error message if decoding fails."""
        try:
            conversation, reply = self.conversation(request, reader)
        except (ValueError, OSError) as error:
            return str(error)
        # The id seeds sampling, so that repeated questions draw differently.
        return Prompt(f"{index}", conversation, reply=reply)

    def requested(self, request: Instance) -> dict[str, Any]:
        """Returns the generation settings of a request."""
        return dict(request.args[2])

    def conversation(self, request: Instance, reader: MediaReader) -> tuple[Conversation, str]:
        """Returns a request's messages with decoded media, and the beginning of the reply."""
        _, doc_to_messages, _, doc_id, task, split = request.args
        messages = doc_to_messages(self.task_dict[task][split][doc_id])
        return from_chat(messages, reader, self.num_frames)

    def _log_speed(
        self, answers: Sequence[GenerationResult], seconds: float, unanswered: int
    ) -> None:
        written = sum(answer.token_counts.output_tokens or 0 for answer in answers)
        log_metrics(
            total_elapsed_time=seconds,
            total_gen_tokens=written,
            avg_speed=written / seconds if seconds else 0.0,
            additional_metrics={"rank": self.rank, "unanswered": unanswered},
        )

    def loglikelihood(self, requests: Sequence[Instance]) -> list[tuple[float, bool]]:
        raise NotImplementedError(
            "lmms-eval 0.7 cannot score log-likelihoods of chat models; use a generative task."
        )

    def generate_until_multi_round(self, requests: Sequence[Instance]) -> list[str]:
        raise NotImplementedError("this model does not support multi-round tasks of lmms-eval.")


class RevisitSimple(Revisit):
    """The model for simple tasks, whose requests are one text with visuals."""

    is_simple = True

    def requested(self, request: Instance) -> dict[str, Any]:
        return dict(request.args[1])

    def conversation(self, request: Instance, reader: MediaReader) -> tuple[Conversation, str]:
        context, _, doc_to_visual, doc_id, task, split = request.args
        visuals = doc_to_visual(self.task_dict[task][split][doc_id]) if doc_to_visual else None
        return from_simple(context, visuals, reader, self.num_frames)
