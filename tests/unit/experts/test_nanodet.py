"""The detector's network, its conversion and its boxes; no published weights are needed."""

from math import prod

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from vlm.experts.detection.coco import CLASSES, GROUP_OF_NAME, GROUPS
from vlm.experts.detection.convert import NODE, PADDING, convert, read_graph
from vlm.experts.detection.detector import Detector, input_size, load_detector, without_duplicates
from vlm.experts.detection.int8 import quantize
from vlm.experts.detection.nanodet import NanoDet
from vlm.experts.findings import Thing

# Cell, scores of classes 0, 16 and 79, box: what the published graph computes from `pattern`.
GOLDEN = (
    (0, [0.55898, 0.43434, 0.42852], [-35.87, -36.011, 43.952, 44.002]),
    (1000, [0.54843, 0.43275, 0.42694], [60.021, 115.9, 139.862, 195.99]),
    (2703, [0.56003, 0.43411, 0.42903], [372.138, 372.001, 451.962, 452.008]),
    (2704, [0.23655, 0.35462, 0.38094], [-67.47, -69.46, 85.694, 85.39]),
    (3100, [0.27315, 0.35459, 0.44474], [27.696, 169.397, 183.551, 328.888]),
    (3379, [0.25875, 0.33291, 0.43382], [332.272, 329.479, 487.705, 489.232]),
    (3380, [0.59779, 0.42276, 0.41402], [-146.242, -138.438, 181.29, 175.765]),
    (3548, [0.61263, 0.46215, 0.39899], [237.148, 243.72, 564.52, 557.85]),
)


def pattern(*shape: int, seed: int) -> Tensor:
    """Numbers that are the same everywhere, without a random generator."""
    steps = torch.arange(prod(shape), dtype=torch.float64)
    return torch.sin(steps * (0.7 + 0.1 * seed) + seed).float().view(shape)


def patterned_network() -> NanoDet:
    network = NanoDet().eval()
    for index, tensor in enumerate(network.state_dict().values()):
        size = 3.0 * tensor[0].numel() ** -0.5 if tensor.dim() > 1 else 0.3
        tensor.copy_(pattern(*tensor.shape, seed=index % 13) * size)
    return network


def seeded_network() -> NanoDet:
    torch.manual_seed(0)
    return NanoDet().eval()


def as_graph(network: NanoDet) -> tuple[dict[str, Tensor], list[dict]]:
    """The network's weights as the published graph holds them."""
    constants: dict[str, Tensor] = {PADDING: torch.tensor(float("-inf"))}
    nodes = []
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    for number, module in enumerate(convolutions):
        name = f"{NODE}convolution" + (f"_{number}" if number else "")
        assert module.bias is not None
        constants[f"w{number}"] = module.weight.detach().permute(2, 3, 1, 0)
        constants[f"b{number}"] = module.bias.detach()
        nodes.append({"op": "Conv2D", "name": name, "input": ["x", f"w{number}"]})
        nodes.append({"op": "Add", "name": f"{name}/add", "input": [name, f"b{number}"]})
    return constants, nodes


def test_the_network_has_the_published_size() -> None:
    assert sum(p.numel() for p in NanoDet().parameters()) == 3_786_068


@torch.inference_mode()
def test_the_network_computes_what_the_published_graph_computes() -> None:
    """The graph, run once with the same made weights, gave GOLDEN."""
    scores, boxes = patterned_network()(pattern(1, 3, 416, 416, seed=3))
    for cell, score, box in GOLDEN:
        assert scores[0, cell, [0, 16, 79]].tolist() == pytest.approx(score, abs=2e-5)
        assert boxes[0, cell].tolist() == pytest.approx(box, abs=5e-3)


def test_converted_weights_equal_the_graphs_weights() -> None:
    network = seeded_network()
    state = convert(*as_graph(network))
    assert state.keys() == network.state_dict().keys()
    for name, tensor in network.state_dict().items():
        assert torch.equal(state[name], tensor), name


@pytest.mark.parametrize("broken", ["missing", "left over", "shape"])
def test_an_incomplete_graph_is_refused_with_the_names(broken: str) -> None:
    constants, nodes = as_graph(seeded_network())
    if broken == "missing":
        del constants["w5"]
    elif broken == "left over":
        constants["stranger"] = torch.zeros(3)
    else:
        constants["w5"] = constants["w5"][:1]
    with pytest.raises(ValueError, match="stranger" if broken == "left over" else "stages"):
        convert(constants, nodes)


def test_a_graph_file_of_another_length_is_refused(tmp_path) -> None:
    (tmp_path / "nanodet.json").write_text(
        '{"weightsManifest": [{"weights": [{"name": "a", "shape": [2, 2], "dtype": "float32",'
        ' "quantization": {"dtype": "float16"}}]}], "modelTopology": {"node": []}}'
    )
    (tmp_path / "nanodet.bin").write_bytes(np.arange(4, dtype="<f2").tobytes())
    constants, _ = read_graph(tmp_path)
    assert constants["a"].tolist() == [[0, 1], [2, 3]]
    (tmp_path / "nanodet.bin").write_bytes(bytes(10))
    with pytest.raises(ValueError, match="10 bytes"):
        read_graph(tmp_path)


def test_box_sides_are_means_of_their_bins() -> None:
    """With all biases of the head zero but one bin, every side is that bin times the stride."""
    network = seeded_network()
    for head in network.heads:
        nn.init.zeros_(head.out.weight)
        nn.init.zeros_(head.out.bias)
        head.out.bias.data.view(-1)[80:].view(4, 11)[:, 3] = 100.0
    scores, boxes = network(torch.zeros(1, 3, 64, 96))
    assert scores.shape == (1, 8 * 12 + 4 * 6 + 2 * 3, 80)
    assert torch.allclose(boxes[0, 0], torch.tensor([4 - 24.0, 4 - 24, 4 + 24, 4 + 24]))
    assert torch.allclose(boxes[0, -1], torch.tensor([80 - 96.0, 48 - 96, 80 + 96, 48 + 96]))


def test_a_frames_result_does_not_depend_on_its_neighbors() -> None:
    network = seeded_network()
    pixels = torch.randn(3, 3, 64, 64)
    together, alone = network(pixels)[1], network(pixels[1:2])[1]
    assert torch.allclose(together[1], alone[0], atol=1e-4)


def test_boxes_are_parts_of_the_original_frame() -> None:
    """A network that sees one thing in one cell finds it at its place in a frame of any size."""

    class OneThing(NanoDet):
        def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
            H, W = pixels.shape[-2:]
            scores = torch.zeros(len(pixels), 4, 80)
            scores[:, 1, CLASSES.index("dog")] = 0.9
            box = torch.tensor([0.5 * W, 0.25 * H, W + 9.0, 0.75 * H])
            return scores, box.expand(len(pixels), 4, 4)

    detect = Detector(OneThing())
    for H, W in ((100, 300), (480, 360)):
        (things,) = detect(torch.zeros(1, H, W, 3, dtype=torch.uint8))
        assert [t.name for t in things] == ["dog"]
        assert things[0].box == pytest.approx((0.5, 0.25, 1.0, 0.75))


def test_the_input_has_about_the_same_number_of_pixels_for_every_shape() -> None:
    for height, width in ((416, 416), (1080, 1920), (4000, 3000), (90, 160)):
        h, w = input_size(height, width)
        assert h % 32 == w % 32 == 0
        assert 0.85 < h * w / 416**2 < 1.15
        assert 0.85 < (w / h) / (width / height) < 1.15
    assert input_size(10, 4000) == (32, 832)


def test_of_boxes_around_one_thing_the_most_certain_stays() -> None:
    cat = Thing("cat", 0.8, (0.1, 0.1, 0.5, 0.5))
    dog = Thing("dog", 0.5, (0.1, 0.1, 0.5, 0.52))
    hat = Thing("cat", 0.4, (0.2, 0.1, 0.3, 0.2))
    tie = Thing("tie", 0.4, (0.2, 0.2, 0.3, 0.3))
    twin = Thing("cat", 0.45, (0.6, 0.1, 1.0, 0.5))
    assert without_duplicates([cat, dog, twin, hat, tie]) == [cat, twin, tie]


def test_a_saved_detector_gives_the_same_scores(tmp_path) -> None:
    network = seeded_network()
    save_file(network.state_dict(), tmp_path / "detector.safetensors")
    loaded = load_detector(tmp_path / "detector.safetensors")
    pixels = torch.randn(1, 3, 64, 64)
    assert torch.equal(loaded.network(pixels)[0], network(pixels)[0])


def test_weights_in_eight_bits_are_half_a_step_off_at_most(tmp_path) -> None:
    network = seeded_network()
    packed = quantize(network.state_dict())
    save_file(packed, tmp_path / "detector.safetensors")
    loaded = load_detector(tmp_path / "detector.safetensors").network.state_dict()
    for name, tensor in network.state_dict().items():
        step = packed[name + ".scale"].max().float() if tensor.dim() == 4 else 0.001
        assert (loaded[name] - tensor).abs().max() <= 0.52 * step + 1e-6, name
    assert sum(t.nbytes for t in packed.values()) < 3_900_000


def test_a_file_without_all_weights_is_refused(tmp_path) -> None:
    state = seeded_network().state_dict()
    state.pop("stem.conv.bias")
    save_file(state, tmp_path / "detector.safetensors")
    with pytest.raises(RuntimeError, match=r"stem\.conv\.bias"):
        load_detector(tmp_path / "detector.safetensors")


def test_every_class_of_a_group_exists_and_is_in_one_group() -> None:
    names = [name for group in GROUPS for name in group]
    assert len(CLASSES) == len(set(CLASSES)) == 80
    assert len(names) == len(set(names))
    assert set(names) <= set(CLASSES)
    assert GROUP_OF_NAME["cat"] == GROUP_OF_NAME["dog"] != GROUP_OF_NAME["person"]
