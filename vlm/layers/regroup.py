"""Groups the patches of a clip into the sets that attend to one another.

A grouping divides each axis of [T, H, W] into groups, of neighbors or, strided, of every n-th:

    time        groups (1, H, W)     one place through all frames
    space       groups (T, 1, 1)     one frame
    height      groups (T, 1, W)     one column of one frame
    width       groups (T, H, 1)     one row of one frame
    joint       groups (1, 1, 1)     everything
    local       groups (1, 2, 2)     one quarter of the frame, all frames
    global      groups (2, 2, 2)     every second frame, row and column
"""

from dataclasses import dataclass

from torch import Tensor

GROUPINGS = ("time", "space", "height", "width", "joint", "local", "global")


@dataclass(frozen=True)
class Grouping:
    """Numbers of groups along T, H and W."""

    groups: tuple[int, int, int]
    strided: bool = False

    @property
    def num_groups(self) -> int:
        return self.groups[0] * self.groups[1] * self.groups[2]

    def split(self, x: Tensor) -> Tensor:
        """[B, T, H, W, C] -> [B, groups, members, C]."""
        B, C = x.shape[0], x.shape[-1]
        sizes: list[int] = []
        for groups, size in zip(self.groups, x.shape[1:4], strict=True):
            members = size // groups
            sizes += [members, groups] if self.strided else [groups, members]
        group_axes, member_axes = self._axes()
        x = x.reshape(B, *sizes, C).permute(0, *group_axes, *member_axes, 7)
        return x.reshape(B, self.num_groups, -1, C)

    def join(self, x: Tensor, shape: tuple[int, int, int]) -> Tensor:
        """[B, groups, members, C] -> [B, T, H, W, C]: undoes `split`."""
        B, C = x.shape[0], x.shape[-1]
        members = [size // groups for groups, size in zip(self.groups, shape, strict=True)]
        group_axes, member_axes = self._axes()
        x = x.reshape(B, *self.groups, *members, C)
        back = [0] * 8
        for position, axis in enumerate((0, *group_axes, *member_axes, 7)):
            back[axis] = position
        return x.permute(*back).reshape(B, *shape, C)

    def _axes(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """Of the seven axes (T, H, W each in two): those of groups and those of members."""
        first, second = (1, 3, 5), (2, 4, 6)
        return (second, first) if self.strided else (first, second)


def grouping(name: str, T: int, H: int, W: int) -> Grouping:
    """One of GROUPINGS for a clip of T x H x W tokens; a clip of odd length keeps all frames."""
    two = 1 if T % 2 else 2
    return {
        "time": Grouping((1, H, W)),
        "space": Grouping((T, 1, 1)),
        "height": Grouping((T, 1, W)),
        "width": Grouping((T, H, 1)),
        "joint": Grouping((1, 1, 1)),
        "local": Grouping((1, 2, 2)),
        "global": Grouping((two, 2, 2), strided=True),
    }[name]
