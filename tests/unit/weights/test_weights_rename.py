"""Tables of names, matched against a file and a model before any tensor is read."""

import pytest
import torch

from vlm.weights.io.files import WeightsError
from vlm.weights.io.rename import fit_rules, for_each, join, rename, split

LAYERS = [
    *rename("h.{layer}.ln", "layers.{layer}.norm", "weight", "bias"),
    *split("h.{layer}.qkv", ["layers.{layer}.q", "layers.{layer}.k", "layers.{layer}.v"], "weight"),
]
RULES = [
    *rename("wte.weight", "embed.weight"),
    *for_each(LAYERS, {"layer": 0}, {"layer": 1}),
    *join(["head.a", "head.b"], "head", "weight"),
]


def file() -> dict[str, torch.Tensor]:
    shapes = {"wte.weight": (5, 2), "head.a.weight": (1, 2), "head.b.weight": (3, 2)}
    for layer in (0, 1):
        shapes |= {f"h.{layer}.ln.weight": (2,), f"h.{layer}.ln.bias": (2,)}
        shapes |= {f"h.{layer}.qkv.weight": (6, 2)}
    return {name: torch.randn(shape) for name, shape in shapes.items()}


def shapes(tensors: dict[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def converted(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {n: t for rule in RULES for n, t in rule.apply(tensors.__getitem__).items()}


def test_every_tensor_is_renamed_split_or_joined() -> None:
    tensors = file()
    model = converted(tensors)
    fit = fit_rules(RULES, shapes(tensors), shapes(model))
    fit.require("f")
    assert list(fit.rules) == RULES
    assert torch.equal(model["embed.weight"], tensors["wte.weight"])
    assert torch.equal(model["layers.1.k.weight"], tensors["h.1.qkv.weight"][2:4])
    assert torch.equal(model["head.weight"][1:], tensors["head.b.weight"])


def test_missing_unexpected_and_mismatched_tensors_are_one_error_with_all_lists() -> None:
    model = shapes(converted(file()))
    found = shapes(file())
    del found["h.0.ln.bias"], model["embed.weight"]
    found |= {"extra": (1,), "h.1.qkv.weight": (9, 2), "head.a.weight": (2, 2)}
    model["more"] = (1,)
    fit = fit_rules(RULES, found, model)
    assert fit.missing == ("h.0.ln.bias", "more")
    assert fit.unexpected == ("extra", "wte.weight")
    assert [given.partition(" for ")[0] for given in fit.mismatched] == [
        "h.1.qkv.weight [9, 2]",
        "head.a.weight [2, 2] + head.b.weight [3, 2]",
    ]
    with pytest.raises(WeightsError) as error:
        fit.require("a folder")
    sentence = str(error.value)
    assert sentence.startswith("a folder: ")
    for part in (
        "missing: h.0.ln.bias, more",
        "unexpected: extra, wte.weight",
        "layers.1.q.weight",
    ):
        assert part in sentence


def test_a_matrix_that_does_not_divide_is_reported_as_mismatched() -> None:
    model, found = shapes(converted(file())), shapes(file())
    found["h.0.qkv.weight"] = (7, 2)
    assert len(fit_rules(RULES, found, model).mismatched) == 1


def test_only_listed_tensors_may_be_unused() -> None:
    model, found = shapes(converted(file())), shapes(file())
    found |= {"text_model.a": (1,), "text_model.b": (1,), "other": (1,)}
    fit = fit_rules(RULES, found, model, drop=["text_model.*", "wte.*"])
    assert fit.dropped == ("text_model.a", "text_model.b")
    assert fit.unexpected == ("other",)


def test_long_lists_are_shortened_with_a_count() -> None:
    found = shapes(file()) | {f"extra.{i}": (1,) for i in range(30)}
    with pytest.raises(WeightsError, match="and 22 more"):
        fit_rules(RULES, found, shapes(converted(file()))).require("f")
