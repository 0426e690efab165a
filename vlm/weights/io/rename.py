"""Converts weights between naming schemes: a table of rules from one set of names to another.

A rule maps tensors of a file to tensors of a model, with a transform if it does more than rename
(split a fused matrix, join parts). A table is matched against the names and shapes of a file before
any tensor is read, so the same table inspects a file, checks a model of any size on the meta device
and converts tensor by tensor.

transformers has WeightRenaming and WeightConverter (core_model_loading), which match keys by
regular expression while a model loads. Here every tensor is listed, so that a name that no rule
matches is an error instead of passing through, and a fit can be reported without loading.

    rules = [*rename("mlp1.3.weight", "compressor.mlp.fc2.weight"), ...]
    fit = fit_rules(rules, shapes of the file, shapes of the model)
    fit.require("model.safetensors")             # raises if tensors are missing, unexpected, ...
    for rule in fit.rules:
        model_tensors.update(rule.apply(file.get_tensor))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from vlm.weights.io.files import WeightsError

if TYPE_CHECKING:
    from torch import Tensor

Shape = tuple[int, ...]
# Maps the source tensors of a rule to its target tensors; must work on the meta device.
Transform = Callable[..., "Sequence[Tensor]"]


@dataclass(frozen=True)
class Rule:
    """Maps tensors of a file to tensors of a model."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    transform: Transform | None = None  # None: the source becomes the target unchanged
    note: str = ""  # the transform in words

    def __post_init__(self) -> None:
        assert self.transform is not None or len(self.sources) == len(self.targets) == 1

    def apply(self, get: Callable[[str], Tensor]) -> dict[str, Tensor]:
        """Returns the target tensors; `get` returns a source tensor by name."""
        parts = [get(name) for name in self.sources]
        made = parts if self.transform is None else self.transform(*parts)
        return dict(zip(self.targets, made, strict=True))

    def shapes(self, found: Mapping[str, Shape]) -> dict[str, Shape] | None:
        """Returns the target shapes; None if the transform does not fit the source shapes."""
        import torch

        def empty(name: str) -> Tensor:
            return torch.empty(found[name], device="meta")

        try:
            return {name: tuple(t.shape) for name, t in self.apply(empty).items()}
        except (RuntimeError, ValueError, IndexError):
            return None

    def formatted(self, **fields: object) -> Rule:
        """Fills in the `{fields}` of the names."""
        return Rule(
            tuple(name.format(**fields) for name in self.sources),
            tuple(name.format(**fields) for name in self.targets),
            self.transform,
            self.note,
        )


def rename(source: str, target: str, *kinds: str) -> list[Rule]:
    """Renames one tensor, or one per kind: `rename("norm", "layer_norm", "weight", "bias")`."""
    if not kinds:
        return [Rule((source,), (target,))]
    return [Rule((f"{source}.{kind}",), (f"{target}.{kind}",)) for kind in kinds]


def join(sources: Sequence[str], target: str, *kinds: str) -> list[Rule]:
    """Concatenates tensors along their first axis, such as q, k and v to one fused matrix."""

    def transform(*parts: Tensor) -> list[Tensor]:
        import torch

        return [torch.cat(parts)]

    note = f"{len(sources)} joined"
    if not kinds:
        return [Rule(tuple(sources), (target,), transform, note)]
    return [
        Rule(tuple(f"{s}.{kind}" for s in sources), (f"{target}.{kind}",), transform, note)
        for kind in kinds
    ]


def split(source: str, targets: Sequence[str], *kinds: str) -> list[Rule]:
    """Splits a tensor along its first axis into equal parts, such as a fused qkv to q, k and v."""

    def transform(whole: Tensor) -> list[Tensor]:
        if len(whole) % len(targets):
            raise ValueError("does not divide")
        return list(whole.chunk(len(targets)))

    note = f"split in {len(targets)}"
    if not kinds:
        return [Rule((source,), tuple(targets), transform, note)]
    return [
        Rule((f"{source}.{kind}",), tuple(f"{t}.{kind}" for t in targets), transform, note)
        for kind in kinds
    ]


def for_each(rules: Iterable[Rule], *fields: Mapping[str, object]) -> list[Rule]:
    """Repeats the rules for each set of fields: `for_each(LAYER, {"layer": 0}, {"layer": 1})`."""
    rules = list(rules)
    return [rule.formatted(**values) for values in fields for rule in rules]


@dataclass(frozen=True)
class Fit:
    """How a table matches a file and a model."""

    rules: tuple[Rule, ...]  # with all sources in the file, in the order of the table
    dropped: tuple[str, ...]  # in the file, listed as not used by the model
    missing: tuple[str, ...]  # required by the table or the model, not in the file
    unexpected: tuple[str, ...]  # in the file, in no rule
    mismatched: tuple[str, ...]  # of the wrong shape; each with both shapes

    @property
    def ok(self) -> bool:
        return not (self.missing or self.unexpected or self.mismatched)

    def require(self, where: object) -> None:
        """Raises WeightsError with the three lists of problems unless everything fits."""
        if not self.ok:
            raise WeightsError(
                f"{where}: the weights do not match the model;"
                f" missing: {first_few(self.missing)};"
                f" unexpected: {first_few(self.unexpected)};"
                f" wrong shape: {first_few(self.mismatched)}."
            )


def fit_rules(
    rules: Iterable[Rule],
    found: Mapping[str, Shape],
    expected: Mapping[str, Shape],
    drop: Sequence[str] = (),
) -> Fit:
    """Matches a table against the names and shapes of a file (`found`) and a model (`expected`).

    `drop` lists patterns (`text_model.*`) of tensors in the file that the model does not use. A
    target that the model lacks is reported as unexpected under its source name; a tensor of the
    model that no rule produces is reported as missing under its own name.
    """
    rules = tuple(rules)
    sources = [name for rule in rules for name in rule.sources]
    targets = [name for rule in rules for name in rule.targets]
    assert len(set(sources)) == len(sources), "two rules use the same tensor of the file"
    assert len(set(targets)) == len(targets), "two rules produce the same tensor of the model"

    used = set(sources)
    dropped = [n for n in found if n not in used and _matches(n, drop)]
    missing = [name for name in sources if name not in found]
    missing += sorted(expected.keys() - set(targets))
    unexpected = sorted(found.keys() - used - set(dropped))
    mismatched, usable = [], []
    for rule in rules:
        if not all(name in found for name in rule.sources):
            continue
        usable.append(rule)
        if any(name not in expected for name in rule.targets):
            unexpected += rule.sources
            continue
        targets_of_rule = {name: tuple(expected[name]) for name in rule.targets}
        if rule.shapes(found) != targets_of_rule:
            given = " + ".join(f"{name} {list(found[name])}" for name in rule.sources)
            needed = " + ".join(f"{name} {list(shape)}" for name, shape in targets_of_rule.items())
            mismatched.append(f"{given} for {needed}")
    return Fit(
        tuple(usable),
        tuple(dropped),
        tuple(missing),
        tuple(unexpected),
        tuple(mismatched),
    )


def first_few(names: Sequence[str], limit: int = 8) -> str:
    """Returns a list for a sentence: the first names and the number of the others."""
    if not names:
        return "none"
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
