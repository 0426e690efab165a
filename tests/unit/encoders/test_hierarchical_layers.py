"""Leaves of the hierarchical encoders against their definitions, written out."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests import golden
from vlm.layers.conv3d import Conv3d, inflate, num_outputs, pad_same
from vlm.layers.drop_path import DropPath, drop_path_rates
from vlm.layers.pooling import ConvPool, max_pool
from vlm.layers.relative_position import DecomposedPositions
from vlm.layers.window import RelativeBias3d, WindowAttention3d, partition, shift_mask, unpartition


def test_same_padding_gives_the_ceiling_and_pads_behind() -> None:
    for size in range(1, 9):
        for kernel, stride in ((3, 2), (7, 2), (3, 1), (2, 2), (1, 2)):
            x = torch.ones(1, 1, 1, 1, size)
            padded = pad_same(x, (1, 1, kernel), (1, 1, stride))
            assert (padded.shape[-1] - kernel) // stride + 1 >= num_outputs(size, stride)
            added = padded.shape[-1] - size
            row = padded.flatten().tolist()
            front = row.index(1.0)
            assert front == added // 2


def test_an_inflated_kernel_sums_to_the_image_kernel() -> None:
    kernel = golden.pattern("kernel", (2, 3, 3, 3))
    torch.testing.assert_close(inflate(kernel, 5).sum(dim=2), kernel)


def test_windows_are_put_back_where_they_were() -> None:
    x = golden.pattern("x", (2, 4, 6, 9, 5))
    windows = partition(x, (2, 3, 3))
    assert windows.shape == (2, 12, 18, 5)
    assert torch.equal(unpartition(windows, (2, 3, 3), (4, 6, 9)), x)


def test_the_mask_parts_what_the_shift_brought_together() -> None:
    grid, window, shift = (4, 6, 6), (2, 3, 3), (1, 1, 1)
    places = torch.stack(torch.meshgrid(*map(torch.arange, grid), indexing="ij"), dim=-1)
    rolled = places.roll([-s for s in shift], dims=(0, 1, 2))
    windows = partition(rolled[None], window)[0]  # [windows, L, 3], the places tokens came from
    mask = shift_mask(grid, window, shift, torch.device("cpu"))
    near = (windows[:, :, None] - windows[:, None, :]).abs()
    together = (near < torch.tensor(window)).all(dim=-1)
    assert torch.equal(mask == 0, together)


def test_a_smaller_window_has_the_biases_of_its_distances_on_every_axis() -> None:
    bias = RelativeBias3d((2, 3, 3), 2)
    table = bias.table.view(3, 5, 5, 2)
    for window in ((2, 3, 3), (1, 3, 3), (2, 2, 3), (1, 1, 2)):
        places = torch.cartesian_prod(*map(torch.arange, window)).view(-1, 3)
        found = bias(window)
        for i, a in enumerate(places):
            for j, b in enumerate(places):
                t, h, w = (a - b + torch.tensor([1, 2, 2])).tolist()
                assert torch.equal(found[:, i, j], table[t, h, w])


@torch.no_grad()
def test_attention_in_one_window_is_attention_over_the_whole_map() -> None:
    attention = WindowAttention3d(8, 2, (4, 5, 5), (2, 2, 2))
    golden.fill(attention)
    x = golden.pattern("x", (1, 2, 3, 3, 8))
    L = 18
    qkv = attention.qkv(x.view(L, 8)).view(L, 3, 2, 4)
    heads = []
    bias = attention.bias((2, 3, 3))
    for head in range(2):
        q, k, v = qkv[:, :, head].unbind(1)
        heads.append(torch.softmax(q @ k.T / 2 + bias[head], dim=-1) @ v)
    wanted = attention.proj(torch.cat(heads, dim=-1)).view_as(x)
    torch.testing.assert_close(attention(x), wanted)


@torch.no_grad()
def test_decomposed_positions_are_dot_products_with_the_rows_of_their_distances() -> None:
    positions = DecomposedPositions(4, 3, 7)
    golden.fill(positions)
    q_grid, k_grid = (2, 4, 4), (2, 2, 2)
    q = golden.pattern("q", (1, 1, 32, 4))
    logits = positions(q, q_grid, k_grid)[0, 0]
    queries = torch.cartesian_prod(*map(torch.arange, q_grid)).tolist()
    keys = torch.cartesian_prod(*map(torch.arange, k_grid)).tolist()
    for i, (t, h, w) in enumerate(queries):
        for j, (u, y, x) in enumerate(keys):
            # A key lies on every second row and column of the queries.
            row = (
                positions.time[t - u + 1]
                + positions.rows[h - 2 * y + 2]
                + positions.columns[w - 2 * x + 2]
            )
            torch.testing.assert_close(logits[i, j], q[0, 0, i] @ row)


@torch.no_grad()
def test_the_class_token_is_not_pooled() -> None:
    pool = ConvPool(4, (3, 3, 3), (1, 2, 2))
    golden.fill(pool)
    x = golden.pattern("x", (1, 2, 1 + 32, 4))
    pooled, grid = pool(x, (2, 4, 4))
    assert grid == (2, 2, 2)
    torch.testing.assert_close(pooled[:, :, :1], pool.norm(x[:, :, :1]))
    tokens = golden.pattern("tokens", (1, 1 + 32, 4))
    assert torch.equal(max_pool(tokens, (2, 4, 4), (1, 2, 2))[:, 0], tokens[:, 0])


def test_drop_path_leaves_out_whole_samples_and_keeps_the_mean() -> None:
    torch.manual_seed(0)
    drop = DropPath(0.25)
    x = torch.ones(4000, 3)
    y = drop(x)
    rows: Tensor = y.unique(dim=0)
    assert rows.tolist() == [[0.0] * 3, [4 / 3] * 3] or torch.allclose(
        rows, torch.tensor([[0.0] * 3, [4 / 3] * 3])
    )
    assert abs(y.mean() - 1) < 0.05
    assert torch.equal(drop.eval()(x), x)
    assert drop_path_rates(0.3, 4) == [0.0, 0.3 / 3, 0.6 / 3, 0.3]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (5, 2), (7, 2)])
def test_a_clip_of_few_frames_has_the_right_gradient(
    kernel: int, stride: int, dtype: torch.dtype
) -> None:
    """torch's own, on a CPU, is NaN in bfloat16, and overwrites memory in float32."""
    for num_frames in range(1, kernel + 4):
        conv = Conv3d(16, 32, (kernel, 1, 1), (stride, 1, 1), (kernel // 2, 0, 0), bias=False)
        with torch.no_grad():
            golden.fill(conv)
        x = golden.pattern("x", (2, 16, num_frames, 4, 4))
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
            out = conv(x)
        assert out.dtype == dtype
        out.float().sum().backward()
        exact = conv.weight.detach().double().requires_grad_()
        padding = (kernel // 2, 0, 0)
        F.conv3d(x.double(), exact, None, (stride, 1, 1), padding).sum().backward()
        assert conv.weight.grad is not None
        assert exact.grad is not None
        assert (conv.weight.grad - exact.grad).abs().max() < 0.02 * exact.grad.abs().max()


@pytest.mark.parametrize("kernel", [3, 7])
def test_a_convolution_is_the_same_without_gradients(kernel: int) -> None:
    """Then torch pads."""
    for num_frames in range(1, kernel + 4):
        conv = Conv3d(16, 32, (kernel, 3, 3), (2, 1, 1), (kernel // 2, 1, 1), bias=False)
        x = golden.pattern("x", (2, 16, num_frames, 5, 5))
        with torch.inference_mode():
            alone = conv(x)
        torch.testing.assert_close(alone, conv(x).detach())
