"""The answers that are being written, as one batch whose rows come and go.

The keys and values of all rows are one tensor for each layer, flush right: rows that are shorter
have padding on the left, which is masked and has no position.
"""

import threading
from collections.abc import Sequence
from queue import SimpleQueue

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import DynamicCache, PreTrainedModel
from transformers.cache_utils import DynamicLayer

from vlm.inference.decoding.decoder import Job
from vlm.inference.decoding.generation import Stopped, only_last, read_token

Layers = list[tuple[Tensor, Tensor]]  # keys and values, each [B, heads, L, dim per head]


class Row:
    """One answer, and how the thread that asked for it hears of its tokens."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.num_read = 0  # embeddings of the prompt
        self.tokens: list[int] = []
        self.num_known = 0  # tokens of prompt and answer whose keys and values are known
        self.prompt: Layers = []  # keys and values of the prompt alone
        self.layers: Layers = []  # of prompt and answer, once it has ended
        self.batched = False  # whether a step was computed together with other rows
        self.left = False  # nobody waits for more tokens
        self.arrived: SimpleQueue[int | Exception | None] = SimpleQueue()
        self.ended = threading.Event()

    @property
    def stopped(self) -> bool:
        return self.left or self.job.stop.is_set()

    @property
    def mergeable(self) -> bool:
        """Whether the row can share tensors: layers with a window or a state cannot."""
        return all(type(layer) is DynamicLayer for layer in self.job.cache.layers)

    def add(self, token: int) -> bool:
        """Takes the next token; returns whether the answer goes on."""
        if token in self.job.eos_ids:
            return False
        self.tokens.append(token)
        self.arrived.put(token)
        return len(self.tokens) < self.job.sampler.settings.max_new_tokens

    def end(self, error: Exception | None = None) -> None:
        """Ends the answer."""
        self.arrived.put(error)
        self.ended.set()

    def give_back(self, num_tokens: int) -> None:
        """Puts keys and values of the prompt and `num_tokens` of the answer into the job's cache.

        Without `layers` the cache holds them already.
        """
        if not self.layers:
            return
        most = self.prompt[0][0].shape[2] + num_tokens
        for layer, (keys, values) in zip(self.job.cache.layers, self.layers, strict=True):
            layer.keys, layer.values = keys[:, :, :most], values[:, :, :most]


class DecodeBatch:
    """Used by one thread."""

    def __init__(self, language_model: PreTrainedModel) -> None:
        self.language_model = language_model
        self._shared: list[Row] = []
        self._alone: list[Row] = []  # rows that cannot share tensors, one after the other
        self._layers: Layers = []
        self._cache: DynamicCache | None = None  # of the last step of a single row
        self._exact = language_model.dtype == torch.float32

    @property
    def rows(self) -> list[Row]:
        return [*self._shared, *self._alone]

    def join(self, row: Row, logits: Tensor) -> None:
        """Adds an answer, given the logits [1, V] after its prompt."""
        if row.mergeable:
            row.prompt = [(layer.keys, layer.values) for layer in row.job.cache.layers]
            row.num_known = row.prompt[0][0].shape[2]
        if not row.add(row.job.sampler.choose(logits)):
            row.end()
            return
        if not row.mergeable:
            self._alone.append(row)
            return
        longest = max(other.num_known for other in (*self._shared, row))
        added = [_left_padded(pair, longest) for pair in row.prompt]
        if self._shared:
            grown = [_left_padded(pair, longest) for pair in self._layers]
            added = [_stacked(old, new) for old, new in zip(grown, added, strict=True)]
        self._layers = added
        self._shared.append(row)

    def drop(self, rows: Sequence[Row]) -> None:
        """Ends answers that were stopped."""
        self._remove(rows)
        for row in rows:
            row.end(Stopped())

    def fail(self, error: Exception) -> None:
        """Ends all answers with an error; the cache of each holds its prompt."""
        rows = self.rows
        self._shared, self._alone, self._layers = [], [], []
        for row in rows:
            row.end(error)

    def step(self) -> None:
        """Computes the next token of each answer, and ends the ones that are complete."""
        ended = [row for row in self._alone if not self._step_alone(row)]
        if self._shared:
            ended += self._step_shared()
        self._remove(ended)
        for row in ended:
            row.end()

    def _step_alone(self, row: Row) -> bool:
        logits = read_token(self.language_model, row.tokens[-1], row.job.cache)
        return row.add(row.job.sampler.choose(logits))

    def _step_shared(self) -> list[Row]:
        """Returns the rows that end with this step."""
        rows = self._shared
        logits = self._logits()
        ended = []
        for i, row in enumerate(rows):
            row.batched = row.batched or len(rows) > 1
            sampler, own = row.job.sampler, logits[i : i + 1]
            scores = sampler.scores(own)
            if row.batched and self._exact and sampler.near_tie(own, scores):
                own = self._recompute(i)
                scores = sampler.scores(own)
            if not row.add(sampler.pick(own, scores)):
                ended.append(row)
        return ended

    def _logits(self) -> Tensor:
        """Reads the last token of each row; returns the logits [B, V] after it."""
        rows, model = self._shared, self.language_model
        if len(rows) == 1:  # the very call of `Alone`
            cache = self._cache = self._single_cache()
            logits = read_token(model, rows[0].tokens[-1], cache)
        else:
            cache = DynamicCache(self._layers, config=model.config)
            lengths = torch.tensor([row.num_known + 1 for row in rows], device=model.device)
            longest = int(lengths.max())
            places = torch.arange(longest, device=model.device)
            mask = (places >= longest - lengths[:, None]).long()  # [B, L]
            out = model(
                input_ids=torch.tensor([row.tokens[-1:] for row in rows], device=model.device),
                attention_mask=mask,
                position_ids=lengths[:, None] - 1,
                past_key_values=cache,
                use_cache=True,
                **only_last(model),
            )
            logits = out.logits[:, -1].float()
        self._layers = [(layer.keys, layer.values) for layer in cache.layers]
        for row in rows:
            row.num_known += 1
        return logits

    def _single_cache(self) -> DynamicCache:
        """Returns the cache of the only row: that of its last step, which has room to grow."""
        known = self._cache
        if known is not None and all(
            layer.keys is keys and layer.values is values
            for layer, (keys, values) in zip(known.layers, self._layers, strict=True)
        ):
            return known
        return DynamicCache(self._layers, config=self.language_model.config)

    def _recompute(self, i: int) -> Tensor:
        """Computes a row alone from its prompt; returns its logits [1, V] and keeps its values."""
        row = self._shared[i]
        cache = DynamicCache(row.prompt, config=self.language_model.config)
        for token in row.tokens:
            logits = read_token(self.language_model, token, cache)
        exact = [(layer.keys, layer.values) for layer in cache.layers]
        length = row.num_known
        for (keys, values), (new_keys, new_values) in zip(self._layers, exact, strict=True):
            keys[i, :, -length:], values[i, :, -length:] = new_keys[0], new_values[0]
        return logits

    def _remove(self, rows: Sequence[Row]) -> None:
        """Takes rows out, each with its own keys and values, and the padding nobody needs."""
        self._alone = [row for row in self._alone if row not in rows]
        left = [i for i, row in enumerate(self._shared) if row not in rows]
        if len(left) == len(self._shared):
            return
        for i, row in enumerate(self._shared):
            if row in rows:
                row.layers = [
                    (_last(keys[i : i + 1], row), _last(values[i : i + 1], row))
                    for keys, values in self._layers
                ]
        self._shared = [self._shared[i] for i in left]
        longest = max((row.num_known for row in self._shared), default=0)
        chosen = torch.tensor(left, dtype=torch.long, device=self.language_model.device)
        self._layers = [
            (keys[chosen][:, :, -longest:], values[chosen][:, :, -longest:])
            for keys, values in self._layers
            if left
        ]


def _left_padded(pair: tuple[Tensor, Tensor], length: int) -> tuple[Tensor, Tensor]:
    keys, values = pair
    missing = (0, 0, length - keys.shape[2], 0)
    return pad(keys, missing), pad(values, missing)


def _stacked(old: tuple[Tensor, Tensor], new: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return torch.cat([old[0], new[0]]), torch.cat([old[1], new[1]])


def _last(padded: Tensor, row: Row) -> Tensor:
    """Returns the values of a row [1, heads, L, dim] without padding, in memory of their own."""
    return padded[:, :, padded.shape[2] - row.num_known :].clone()
