"""3-D convolutions on [B, C, T, H, W]: two rules of padding, and weights inflated from 2-D.

    unit(x) = ReLU(BN(W * x))

Centered padding adds k // 2 on both sides, as in PyTorch's networks. TensorFlow's SAME adds as much
as gives ceil(size / stride) outputs, the odd one behind: with a stride of 2 on an even size it
samples other pixels than centered padding. Both give ceil(size / stride) outputs for odd kernels.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Size = tuple[int, int, int]  # time, rows, columns


def num_outputs(size: int, stride: int) -> int:
    """ceil(size / stride): outputs along one axis under either rule of padding."""
    return -(-size // stride)


class Conv3d(nn.Conv3d):
    """nn.Conv3d that pads its input itself on a CPU if gradients are wanted.

    torch 2.13 leaves the padding to oneDNN there, whose backward pass is wrong for clips that are
    hardly longer than the kernel: the gradient of the weight is NaN in bfloat16 (two frames, a
    kernel of three), and in float32 memory is overwritten (five frames, a kernel of seven). Its
    forward pass is right, and spares a copy.
    """

    def forward(self, input: Tensor) -> Tensor:
        """[B, dim, T, H, W] -> [B, out_dim, T', H', W']."""
        T, H, W = (int(size) for size in self.padding)
        if input.device.type != "cpu" or not torch.is_grad_enabled() or not (T or H or W):
            return super().forward(input)
        x = F.pad(input, (W, W, H, H, T, T))
        return F.conv3d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class ConvUnit3d(nn.Module):
    """Convolution without bias, BatchNorm, ReLU; padding centered."""

    def __init__(
        self,
        dim: int,
        out_dim: int,
        kernel: Size,
        stride: Size = (1, 1, 1),
        *,
        relu: bool = True,
        eps: float = 1e-5,
    ) -> None:
        super().__init__()
        T, H, W = (size // 2 for size in kernel)
        self.conv = Conv3d(dim, out_dim, kernel, stride, padding=(T, H, W), bias=False)
        self.norm = nn.BatchNorm3d(out_dim, eps=eps)
        self.relu = nn.ReLU() if relu else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """[B, dim, T, H, W] -> [B, out_dim, T', H', W']."""
        return self.relu(self.norm(self.conv(x)))


def pad_same(x: Tensor, kernel: Size, stride: Size, time_mode: str = "constant") -> Tensor:
    """Pads [B, C, T, H, W] by TensorFlow's rule SAME.

    Rows and columns get zeros. The time axis gets zeros too, or with `time_mode` "replicate" its
    first and last frame again.
    """
    pads = []
    for size, k, s in zip(x.shape[2:], kernel, stride, strict=True):
        total = max((num_outputs(size, s) - 1) * s + k - size, 0)
        pads.append((total // 2, total - total // 2))
    time, rows, columns = pads
    x = F.pad(x, (*columns, *rows))
    return F.pad(x, (0, 0, 0, 0, *time), mode=time_mode)


class SameConvUnit3d(nn.Module):
    """Convolution without bias, BatchNorm with eps 1e-3, ReLU; padding SAME."""

    def __init__(
        self,
        dim: int,
        out_dim: int,
        kernel: Size,
        stride: Size = (1, 1, 1),
        *,
        time_mode: str = "constant",
    ) -> None:
        super().__init__()
        self.kernel, self.stride, self.time_mode = kernel, stride, time_mode
        self.conv = Conv3d(dim, out_dim, kernel, stride, bias=False)
        self.norm = nn.BatchNorm3d(out_dim, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        """[B, dim, T, H, W] -> [B, out_dim, ceil(T / stride), ...]."""
        x = pad_same(x, self.kernel, self.stride, self.time_mode)
        return F.relu(self.norm(self.conv(x)))


class SameMaxPool3d(nn.Module):
    """Max pooling with padding SAME, of values that are not negative (after a ReLU)."""

    def __init__(self, kernel: Size, stride: Size, *, time_mode: str = "constant") -> None:
        super().__init__()
        self.kernel, self.stride, self.time_mode = kernel, stride, time_mode

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T, H, W] -> [B, C, ceil(T / stride), ...]."""
        x = pad_same(x, self.kernel, self.stride, self.time_mode)
        return F.max_pool3d(x, self.kernel, self.stride)


def init_convolutions(network: nn.Module) -> None:
    """Draws the weights of all 3-D convolutions as He et al. do (arXiv 1502.01852)."""
    for module in network.modules():
        if isinstance(module, nn.Conv3d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def inflate(weight: Tensor, num_frames: int) -> Tensor:
    """2-D kernel [O, I, h, w] -> 3-D kernel [O, I, t, h, w] with the same response to a still clip.

    The kernel is repeated t times and divided by t (I3D, arXiv 1705.07750, section 2.4).
    """
    return weight[:, :, None].expand(-1, -1, num_frames, -1, -1).clone() / num_frames


def inflated_state(image: Mapping[str, Tensor], video: nn.Module) -> dict[str, Tensor]:
    """Weights of a 2-D network for a 3-D one with the same names; ValueError if the names differ.

    2-D kernels, [O, I, h, w] or [O, I, 1, h, w], are inflated to the depth of the 3-D ones; all
    other tensors are taken over.
    """
    wanted = video.state_dict()
    if wrong := sorted(wanted.keys() ^ image.keys()):
        raise ValueError(f"the image network has other tensors: {', '.join(wrong[:5])}")
    state = {}
    for name, target in wanted.items():
        given = image[name]
        if target.ndim == 5 and given.shape != target.shape:
            given = inflate(given.squeeze(2) if given.ndim == 5 else given, target.shape[2])
        state[name] = given
    return state
