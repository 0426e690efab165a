"""Weights under other names: a table of rules from one set of names to another.

A rule says which tensors become which, and how where it is more than a new name (a fused matrix
that is split, parts that are joined). A table is fitted to what a file holds before anything is
read: names and shapes are enough, so the same table serves to look at a file, to check a model of
any size on the meta device, and to convert tensor by tensor.

    rules = [*rename("mlp1.3.weight", "compressor.mlp.fc2.weight"), ...]
    fit = fit_rules(rules, shapes of the file, shapes of the model)
    fit.refuse("model.safetensors")              # anything missing, left over or misshapen
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
# From the tensors of a rule's sources to those of its targets; must work on the meta device.
Change = Callable[..., "Sequence[Tensor]"]


@dataclass(frozen=True)
class Rule:
    """These tensors of the file become those of the model."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    change: Change | None = None  # None: the one source is the one target as it is
    note: str = ""  # how it is changed, for people

    def __post_init__(self) -> None:
        assert self.change is not None or len(self.sources) == len(self.targets) == 1

    def apply(self, get: Callable[[str], Tensor]) -> dict[str, Tensor]:
        """The targets' tensors; `get` gives the tensor of a source."""
        parts = [get(name) for name in self.sources]
        made = parts if self.change is None else self.change(*parts)
        return dict(zip(self.targets, made, strict=True))

    def shapes(self, found: Mapping[str, Shape]) -> dict[str, Shape] | None:
        """The targets' shapes, or None where the change does not fit the sources' shapes."""
        import torch

        def empty(name: str) -> Tensor:
            return torch.empty(found[name], device="meta")

        try:
            return {name: tuple(t.shape) for name, t in self.apply(empty).items()}
        except (RuntimeError, ValueError, IndexError):
            return None

    def filled(self, **fields: object) -> Rule:
        """The rule with its `{fields}` written out."""
        return Rule(
            tuple(name.format(**fields) for name in self.sources),
            tuple(name.format(**fields) for name in self.targets),
            self.change,
            self.note,
        )


def rename(source: str, target: str, *kinds: str) -> list[Rule]:
    """One tensor, or one for each of `kinds`: `rename("norm", "layer_norm", "weight", "bias")`."""
    if not kinds:
        return [Rule((source,), (target,))]
    return [Rule((f"{source}.{kind}",), (f"{target}.{kind}",)) for kind in kinds]


def join(sources: Sequence[str], target: str, *kinds: str) -> list[Rule]:
    """Tensors stacked along their first axis, such as q, k and v to one fused matrix."""

    def change(*parts: Tensor) -> list[Tensor]:
        import torch

        return [torch.cat(parts)]

    note = f"{len(sources)} joined"
    if not kinds:
        return [Rule(tuple(sources), (target,), change, note)]
    return [
        Rule(tuple(f"{s}.{kind}" for s in sources), (f"{target}.{kind}",), change, note)
        for kind in kinds
    ]


def split(source: str, targets: Sequence[str], *kinds: str) -> list[Rule]:
    """A tensor cut along its first axis into equal parts, such as a fused qkv to three matrices."""

    def change(whole: Tensor) -> list[Tensor]:
        if len(whole) % len(targets):
            raise ValueError("does not divide")
        return list(whole.chunk(len(targets)))

    note = f"cut in {len(targets)}"
    if not kinds:
        return [Rule((source,), tuple(targets), change, note)]
    return [
        Rule((f"{source}.{kind}",), tuple(f"{t}.{kind}" for t in targets), change, note)
        for kind in kinds
    ]


def for_each(rules: Iterable[Rule], *fields: Mapping[str, object]) -> list[Rule]:
    """The rules once for each set of fields: `for_each(LAYER, {"layer": 0}, {"layer": 1})`."""
    rules = list(rules)
    return [rule.filled(**values) for values in fields for rule in rules]


@dataclass(frozen=True)
class Fit:
    """How a table fits a file on one side and a model on the other."""

    rules: tuple[Rule, ...]  # those whose sources are all there, in the table's order
    dropped: tuple[str, ...]  # in the file, named by the table, and of no use to the model
    missing: tuple[str, ...]  # the table or the model asks for them, the file lacks them
    left_over: tuple[str, ...]  # in the file, and no rule knows them
    misshapen: tuple[str, ...]  # with both shapes

    @property
    def ok(self) -> bool:
        return not (self.missing or self.left_over or self.misshapen)

    def refuse(self, where: object) -> None:
        """Raises WeightsError with all three lists unless everything fits."""
        if not self.ok:
            raise WeightsError(
                f"{where}: these weights are not those of the model; missing: "
                f"{few(self.missing)}; left over: {few(self.left_over)}; of another shape: "
                f"{few(self.misshapen)}."
            )


def fit_rules(
    rules: Iterable[Rule],
    found: Mapping[str, Shape],
    wanted: Mapping[str, Shape],
    drop: Sequence[str] = (),
) -> Fit:
    """Fits a table to the names and shapes of a file and of a model.

    `drop` are patterns (`text_model.*`) of tensors in the file that the model has no use for.
    A target that the model does not have is "left over" under the name of its source, and one of
    the model's that no rule makes is "missing" under the model's name.
    """
    rules = tuple(rules)
    sources = [name for rule in rules for name in rule.sources]
    targets = [name for rule in rules for name in rule.targets]
    assert len(set(sources)) == len(sources), "a tensor of the file is used twice"
    assert len(set(targets)) == len(targets), "a tensor of the model is made twice"

    used = set(sources)
    dropped = [n for n in found if n not in used and _matches(n, drop)]
    missing = [name for name in sources if name not in found]
    missing += sorted(wanted.keys() - set(targets))
    left_over = sorted(found.keys() - used - set(dropped))
    misshapen, usable = [], []
    for rule in rules:
        if not all(name in found for name in rule.sources):
            continue
        usable.append(rule)
        unwanted = [name for name in rule.targets if name not in wanted]
        if unwanted:
            left_over += rule.sources
            continue
        made = rule.shapes(found)
        expected = {name: tuple(wanted[name]) for name in rule.targets}
        if made != expected:
            given = " + ".join(f"{name} {list(found[name])}" for name in rule.sources)
            asked = " + ".join(f"{name} {list(shape)}" for name, shape in expected.items())
            misshapen.append(f"{given} for {asked}")
    return Fit(
        tuple(usable),
        tuple(dropped),
        tuple(missing),
        tuple(left_over),
        tuple(misshapen),
    )


def few(names: Sequence[str], shown: int = 8) -> str:
    """A list for a sentence: the first names, and how many more there are."""
    if not names:
        return "none"
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
