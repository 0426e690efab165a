"""A layout: how one publisher names the tensors of an encoder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vlm.weights.io.rename import Rule, Shape, Transform, join

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

SEVERAL = re.compile(r"\w+(\|\w+)+")  # q|k|v
COUNTERS = "*num_batches_tracked"  # of BatchNorm; no result depends on them


@dataclass(frozen=True)
class Layout:
    """A table from our names to those of a file.

    `names` are pairs (pattern, replacement), applied in order to each of our names, as by `re.sub`
    with a match of the whole name. `#` in a pattern is a number; `{#+1}` in a replacement is the
    first number plus one, `{#*2}` twice it. A replacement with `q|k|v`, or with `query|key|value`,
    stands for three tensors of the file that are one of ours. A tensor that has another number of
    axes is reshaped.
    """

    publisher: str
    names: Sequence[tuple[str, str]]
    unused: Sequence[str] = ()  # patterns of names in the file: the classifier, counters, indices

    def source(self, ours: str) -> str:
        """Our name -> the file's."""
        for pattern, replacement in self.names:
            match = re.fullmatch(pattern.replace("#", r"(\d+)"), ours)
            if match:
                first = int(match[1]) if match.re.groups and (match[1] or "").isdigit() else 0
                for term, value in (("{#+1}", first + 1), ("{#+2}", first + 2)):
                    replacement = replacement.replace(term, str(value))
                replacement = replacement.replace("{#*2}", str(2 * first))
                replacement = replacement.replace("{#*2+1}", str(2 * first + 1))
                return match.expand(replacement)
        return ours

    def rules(self, shapes: Mapping[str, Shape], prefix: str = "") -> list[Rule]:
        """Rules for a model of these names and shapes; `prefix` stands before the file's names."""
        made = []
        for ours, shape in shapes.items():
            source = prefix + self.source(ours)
            if several := SEVERAL.search(source):
                parts = several[0].split("|")
                made += join([source.replace(several[0], part) for part in parts], ours)
            else:
                made.append(Rule((source,), (ours,), _reshaped(shape), "reshaped"))
        return made


def _reshaped(shape: Shape) -> Transform:
    """Adds or drops axes of length one; ValueError if other axes differ."""

    def transform(given: Tensor) -> list[Tensor]:
        wide = [size for size in given.shape if size != 1]
        if wide != [size for size in shape if size != 1]:
            raise ValueError("another shape")
        return [given.reshape(shape)]

    return transform
