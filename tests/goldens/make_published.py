"""Writes published.safetensors and published_names.json: what the published networks compute.

python -m tests.goldens.make_published FOLDER

FOLDER has, from pip install --no-deps --target FOLDER: torchvision; pytorchvideo, fvcore, iopath;
mmcv-lite, mmengine, addict, yapf, platformdirs, opencv-python-headless. It also has pytorch_i3d.py
of github.com/piergiaj/pytorch-i3d. None of them is a dependency of the project.
"""

import json
import sys
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn

from tests import golden
from tests.goldens.published import CASES, published_state
from vlm.encoders.base import VideoEncoder
from vlm.encoders.i3d import MIXED
from vlm.layers.nonlocal_block import FUNCTIONS, NonLocal
from vlm.weights.video_models.layout import COUNTERS
from vlm.weights.video_models.read import LAYOUTS

NAMES = golden.FOLDER / "published_names.json"
Outputs = dict[str, Tensor]


def tokens(x: Tensor) -> Tensor:
    """[B, C, T, H, W] -> [B, T, H*W, C]."""
    return x.flatten(3).permute(0, 2, 3, 1)


def means(x: Tensor) -> Tensor:
    return x.mean(dim=(2, 3, 4))


def swin() -> tuple[nn.Module, Callable[[Any, Tensor], Outputs]]:
    from torchvision.models.video.swin_transformer import PatchEmbed3d, SwinTransformer3d

    def run(net: Any, clip: Tensor) -> Outputs:
        x = net.norm(net.features(net.patch_embed(clip)))
        return {"tokens": x.flatten(2, 3), "pooled": x.mean(dim=(1, 2, 3))}

    return SwinTransformer3d([2, 4, 4], 8, [2, 2], [1, 2], [2, 3, 3], patch_embed=PatchEmbed3d), run


def mvit(version: int) -> tuple[nn.Module, Callable[[Any, Tensor], Outputs]]:
    from torchvision.models.video.mvit import MSBlockConfig, MViT

    heads, kv = [1, 2, 2, 4], [4, 2, 2, 1]
    widths = {1: [(8, 16), (16, 16), (16, 32), (32, 32)], 2: [(8, 8), (8, 16), (16, 16), (16, 32)]}
    blocks = []
    for index in range(4):
        starts = index in (1, 3)
        pools = starts or version == 2
        blocks.append(
            MSBlockConfig(
                heads[index],
                *widths[version][index],
                kernel_q=[3, 3, 3] if pools else [],
                kernel_kv=[3, 3, 3],
                stride_q=([1, 2, 2] if starts else [1, 1, 1]) if pools else [],
                stride_kv=[1, kv[index], kv[index]],
            )
        )
    net = MViT(
        spatial_size=(64, 64),
        temporal_size=4,
        block_setting=blocks,
        residual_pool=version == 2,
        residual_with_cls_embed=False,
        rel_pos_embed=version == 2,
        proj_after_attn=version == 2,
    )
    return net, normed("norm")


def normed(name: str) -> Callable[[Any, Tensor], Outputs]:
    """Takes a transformer's tokens from behind the norm of this name."""

    def run(net: Any, clip: Tensor) -> Outputs:
        seen: list[Tensor] = []
        hook = net.get_submodule(name).register_forward_hook(lambda _m, _i, out: seen.append(out))
        net(clip)
        hook.remove()
        return {"tokens": seen[0][:, 1:].unflatten(1, (2, -1)), "pooled": seen[0][:, 0]}

    return run


def resnet(kinds: str) -> tuple[nn.Module, Callable[[Any, Tensor], Outputs]]:
    from torchvision.models.video import resnet as tv

    class Narrow(tv.VideoResNet):
        """An eighth of the channels."""

        def _make_layer(
            self, block: Any, conv: Any, planes: int, blocks: int, stride: int = 1
        ) -> Any:
            if planes == 64:
                self.inplanes = 8
            return super()._make_layer(block, conv, planes // 8, blocks, stride)

    def unit(dim: int, out: int, *sizes: tuple[int, ...]) -> list[nn.Module]:
        conv = nn.Conv3d(dim, out, *sizes, bias=False)
        return [conv, nn.BatchNorm3d(out), nn.ReLU()]

    flat = ((1, 7, 7), (1, 2, 2), (0, 3, 3))
    stems = {
        "2": unit(3, 8, *flat),
        "3": unit(3, 8, (3, 7, 7), (1, 2, 2), (1, 3, 3)),
        "+": [*unit(3, 5, *flat), *unit(5, 8, (3, 1, 1), (1, 1, 1), (1, 0, 0))],
    }
    makers = {"2": tv.Conv3DNoTemporal, "3": tv.Conv3DSimple, "+": tv.Conv2Plus1D}

    def run(net: Any, clip: Tensor) -> Outputs:
        x = clip
        for part in (net.stem, net.layer1, net.layer2, net.layer3, net.layer4):
            x = part(x)
        return {"tokens": tokens(x), "pooled": means(x)}

    groups = [makers[kind] for kind in kinds[1:]]
    return Narrow(tv.BasicBlock, groups, [1] * 4, lambda: nn.Sequential(*stems[kinds[0]])), run


def slowfast() -> tuple[nn.Module, Callable[[Any, Tensor], Outputs]]:
    from pytorchvideo.models.slowfast import create_slowfast

    def run(net: Any, clip: Tensor) -> Outputs:
        T = clip.shape[2]
        x: Any = [clip[:, :, torch.linspace(0, T - 1, T // 4).long()], clip]
        for block in net.blocks[:5]:
            x = block(x)
        slow, fast = x
        joined = torch.cat([slow, fast.unflatten(2, (-1, 4)).mean(dim=3)], dim=1)
        return {"tokens": tokens(joined), "pooled": torch.cat([means(slow), means(fast)], dim=1)}

    return create_slowfast(model_depth=18, stem_dim_outs=(16, 2)), run


def bottlenecks(**options: Any) -> tuple[nn.Module, Callable[[Any, Tensor], Outputs]]:
    from pytorchvideo.models.resnet import create_resnet

    def run(net: Any, clip: Tensor) -> Outputs:
        x = clip
        for block in net.blocks[:-1]:
            x = block(x)
        return {"tokens": tokens(x), "pooled": means(x)}

    return create_resnet(stem_dim_out=4, **options), run


def mvit_pytorchvideo() -> tuple[nn.Module, Callable[[Any, Tensor], Outputs]]:
    from pytorchvideo.models.vision_transformers import create_multiscale_vision_transformers

    net = create_multiscale_vision_transformers(
        spatial_size=64,
        temporal_size=4,
        depth=4,
        patch_embed_dim=8,
        pool_q_stride_size=[[1, 1, 2, 2], [3, 1, 2, 2]],
        pool_kv_stride_adaptive=[1, 4, 4],
        pool_kvq_kernel=[3, 3, 3],
        embed_dim_mul=[[1, 2.0], [3, 2.0]],
        atten_head_mul=[[1, 2.0], [3, 2.0]],
    )
    return net, normed("norm_embed")


def i3d() -> tuple[nn.Module, Callable[[Any, Tensor], Outputs]]:
    import pytorch_i3d as port

    # The port's units and layers with an eighth of the channels.
    unit, pool, net = port.Unit3D, port.MaxPool3dSamePadding, nn.Sequential()
    net.add_module("Conv3d_1a_7x7", unit(3, 8, kernel_shape=[7, 7, 7], stride=(2, 2, 2)))
    net.add_module("MaxPool3d_2a_3x3", pool(kernel_size=[1, 3, 3], stride=(1, 2, 2), padding=0))
    net.add_module("Conv3d_2b_1x1", unit(8, 8, kernel_shape=[1, 1, 1]))
    net.add_module("Conv3d_2c_3x3", unit(8, 24, kernel_shape=[3, 3, 3]))
    net.add_module("MaxPool3d_3a_3x3", pool(kernel_size=[1, 3, 3], stride=(1, 2, 2), padding=0))
    dim = 24
    for name, widths in MIXED.items():
        if name in ("4b", "5b"):
            k = [3, 3, 3] if name == "4b" else [2, 2, 2]
            net.add_module(f"pool_{name}", pool(kernel_size=k, stride=(2, 2, 2), padding=0))
        narrow = [width // 8 for width in widths]
        net.add_module(f"Mixed_{name}", port.InceptionModule(dim, narrow, ""))
        dim = narrow[0] + narrow[2] + narrow[4] + narrow[5]

    def run(net: Any, clip: Tensor) -> Outputs:
        x = net(clip)
        T, H, W = x.shape[2:]
        windows = nn.functional.avg_pool3d(x, (2, min(H, 7), min(W, 7)), stride=1)
        return {"tokens": tokens(x), "pooled": means(windows)}

    return net, run


I3D_KERNELS = ((3, 1, 1), [(3, 1, 1), (1, 1, 1)], [(3, 1, 1), (1, 1, 1)], [(1, 1, 1), (3, 1, 1)])
MAKERS: dict[str, Callable[[], tuple[nn.Module, Callable[[Any, Tensor], Outputs]]]] = {
    "swin": swin,
    "swin-one-frame": swin,
    "mvit-v1": lambda: mvit(1),
    "mvit-v2": lambda: mvit(2),
    "r2plus1d": lambda: resnet("+++++"),
    "mc3": lambda: resnet("33222"),
    "rmc3": lambda: resnet("22333"),
    "slowfast": slowfast,
    "i3d-r50": lambda: bottlenecks(
        stem_conv_kernel_size=(5, 7, 7),
        stage1_pool=nn.MaxPool3d,
        stage_conv_a_kernel_size=I3D_KERNELS,
    ),
    "slow-r50": lambda: bottlenecks(stem_conv_kernel_size=(1, 7, 7)),
    "mvit-pytorchvideo": mvit_pytorchvideo,
    "i3d": i3d,
}


def nonlocal_block(function: str) -> Tensor:
    """mmcv's block, which pools after phi and g and does not scale: the paper's."""
    from mmcv.cnn.bricks.non_local import NonLocal3d

    ours = NonLocal(8, 4, function, scaled=False, pool_first=False).eval()
    golden.fill(ours)
    mode = {"embedded": "embedded_gaussian", "dot": "dot_product", "concat": "concatenation"}
    theirs = NonLocal3d(
        8,
        mode=mode.get(function, function),
        sub_sample=True,
        use_scale=False,
        norm_cfg={"type": "BN3d"},
    ).eval()
    state = {"conv_out.conv": ours.out, "g.0.conv": ours.g, "conv_out.bn": ours.norm}
    if function != "gaussian":
        state |= {"theta.conv": ours.theta, "phi.0.conv": ours.phi}
    named = {f"{name}.{k}": v for name, part in state.items() for k, v in part.state_dict().items()}
    # mmcv's last convolution has no bias; it shifts the mean that the norm subtracts.
    mean = "conv_out.bn.running_mean"
    named[mean] = named[mean] - named.pop("conv_out.conv.bias")
    if function == "concat":
        named["concat_project.conv.weight"] = ours.w.weight[:, :, None, None]
    theirs.load_state_dict(named)
    return theirs(golden.pattern("maps", (1, 8, 2, 4, 4)))


def stub_torchvision() -> None:
    """Declares two operators whose absence breaks torchvision's import beside another torch."""
    for name in ("nms", "qnms"):
        schema = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        torch.library.define(f"torchvision::{name}", schema)


def main(folder: str) -> None:
    sys.path.insert(0, folder)
    stub_torchvision()
    outputs: Outputs = {}
    names: dict[str, dict[str, list[int]]] = {}
    for case_name, case in CASES.items():
        tower: VideoEncoder = case.build()
        net, run = MAKERS[case_name]()
        shapes = {name: tuple(value.shape) for name, value in net.state_dict().items()}
        names[case_name] = {
            name: list(shape) for name, shape in shapes.items() if not fnmatchcase(name, COUNTERS)
        }
        layout = LAYOUTS[case.encoder][case.layout]
        missing, unexpected = net.load_state_dict(
            published_state(layout, tower, shapes), strict=False
        )
        assert not unexpected
        left = [
            n for n in missing if not any(fnmatchcase(n, p) for p in (*layout.unused, COUNTERS))
        ]
        assert not left, left
        with torch.no_grad():
            found = run(net.eval(), case.clip().transpose(1, 2))
        for kind, value in found.items():
            # A part of wide tokens keeps the file small.
            outputs[f"{case_name}.{kind}"] = value[..., :: max(1, value.shape[-1] // 64)]
    with torch.no_grad():
        for function in FUNCTIONS:
            outputs[f"nonlocal-{function}"] = nonlocal_block(function)
    golden.write("published", outputs)
    NAMES.write_text(json.dumps(names, separators=(",", ":")) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
