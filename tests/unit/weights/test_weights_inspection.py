"""Inspects and converts folders of weights, and resolves the names of models."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import pytest
import torch
from huggingface_hub import errors
from published_maker import write_published
from safetensors.torch import load_file, save_file
from tiny import tiny_processor

from vlm.loading import load_folder
from vlm.presets import build_model
from vlm.weights import sources
from vlm.weights.__main__ import main
from vlm.weights.io.files import WeightsError
from vlm.weights.pvc.inspect import inspect
from vlm.weights.pvc.published import open_published
from vlm.weights.sources import resolve


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hub") / "PVC"
    write_published(folder, num_files=1)
    (folder / "model.safetensors.index.json").unlink()
    (folder / "model-00001-of-00001.safetensors").rename(folder / "model.safetensors")
    return folder


@pytest.fixture
def folder(release: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(release, tmp_path / "PVC"))


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own") / "tiny"
    model = build_model("test")
    model.save_pretrained(folder)
    tiny_processor().save_pretrained(folder)
    return folder


def rename_tensors(folder: Path, new: Callable[[str], str]) -> None:
    tensors = load_file(folder / "model.safetensors")
    save_file({new(n): t for n, t in tensors.items()}, folder / "model.safetensors")


def test_inspect_lists_what_each_tensor_of_a_release_becomes(
    release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inspect", str(release)]) == 0
    out = capsys.readouterr().out
    assert "an original release (pvc_internvl)" in out
    assert "113 tensors" in out
    assert "encoder.layers.{1..2}.alpha " in out
    assert "-> tower.blocks.{0..1}.alpha" in out
    assert "self_attn.{q,k,v}_proj.weight  (2 groups of 2 queries, key and value split)" in out
    assert "Everything fits" in out
    for unknown in (
        "prompt.tile_order",
        "tower.timestep_form = t/T, timestep_scale = 1",
        "shape 8",
        "the bias of gamma has mean 1.0",
    ):
        assert unknown in out
    lines, fits = inspect(release, all_tensors=True)
    assert fits
    # The language model's last norm is the one that keeps its name.
    assert sum("->" in line for line in lines) == 112
    assert any(line.split()[0] == "language_model.model.norm.weight" for line in lines if line)


def test_inspect_lists_wrong_guesses_and_proposes_a_file_that_corrects_them(
    folder: Path,
) -> None:
    def other(name: str) -> str:
        for ours, theirs in (
            ("temporal_attn.", "tmha."),
            ("temporal_norm.gamma.", "ada.scale."),
            ("temporal_norm.beta.", "ada.shift."),
            ("t_embedder.mlp.", "time_mlp."),
            ("mlp1.0.gamma.", "mlp1.norm.scale_"),
            ("mlp1.0.beta.", "mlp1.norm.shift_"),
            ("mlp1.0.t_", "mlp1.norm.temb_"),
            (".alpha", ".gate"),
        ):
            name = name.replace(ours, theirs)
        return name

    tensors = load_file(folder / "model.safetensors")
    rename_tensors(folder, other)
    lines, fits = inspect(folder)
    text = "\n".join(lines)
    assert not fits
    assert "vision_model.encoder.layers.{1..2}.temporal_attn.qkv.weight" in text
    assert "vision_model.encoder.layers.{1..2}.tmha.qkv.weight" in text
    proposal = text[text.index("  {\n") : text.index("\n  }\n") + 4]
    (folder / "revisit.json").write_text(proposal)
    published = open_published(folder)
    published.fit.require(folder)
    state = published.state_dict()
    added = "vision_model.encoder.layers.2."
    assert torch.equal(
        state["tower.blocks.1.temporal_norm.beta.2.weight"],
        tensors[added + "temporal_norm.beta.2.weight"],
    )
    assert torch.equal(
        state["compressor.time.fc2.weight"], tensors["mlp1.0.t_embedder.mlp.2.weight"]
    )
    assert torch.equal(state["tower.blocks.1.alpha"], tensors[added + "alpha"])


def test_inspect_lists_what_a_folder_in_our_format_lacks(ours: Path, tmp_path: Path) -> None:
    lines, fits = inspect(ours)
    assert fits
    assert "a model in our format" in lines[0]
    broken = Path(shutil.copytree(ours, tmp_path / "broken"))
    rename_tensors(broken, lambda name: name.replace("alpha", "gate"))
    lines, fits = inspect(broken)
    assert not fits
    assert any("tower.blocks.{0..1}.alpha" in line for line in lines)


def test_convert_prints_its_folder_and_refuses_in_one_sentence(
    release: Path, ours: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out"
    assert main(["convert", str(release), str(target)]) == 0
    assert capsys.readouterr().out.strip() == str(target)
    for arguments, sentence in (
        ([str(release), str(target)], f"{target} already exists"),
        ([str(ours), str(tmp_path / "x")], "is not an original PVC-InternVL2"),
        ([str(tmp_path), str(tmp_path / "x")], "it has no config.json"),
    ):
        assert main(["convert", *arguments]) == 1
        err = capsys.readouterr().err
        assert sentence in err
        assert "Traceback" not in err
    model, _, card = load_folder(target, torch.float32, "cpu")
    assert card["name"] == "out"
    straight, _, _ = load_folder(release, torch.float32, "cpu")
    assert all(torch.equal(t, model.state_dict()[n]) for n, t in straight.state_dict().items())


class Hub:
    """huggingface.co as `snapshot_download` shows it."""

    def __init__(self, folder: Path | None, failure: Exception | None = None) -> None:
        self.folder, self.failure, self.requests = folder, failure, list[dict]()

    def __call__(self, name: str, **options: object) -> str:
        self.requests.append({"name": name, **options})
        if options.get("local_files_only"):
            raise errors.LocalEntryNotFoundError("not here")
        if self.failure:
            raise self.failure
        return str(self.folder)


def test_only_data_of_a_repository_is_downloaded(
    release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, printed = Hub(release), list[str]()
    monkeypatch.setattr(huggingface_hub, "snapshot_download", hub)
    assert resolve("OpenGVLab/PVC-InternVL2-8B", printed.append) == release
    assert "Downloading OpenGVLab/PVC-InternVL2-8B" in printed[0]
    patterns = hub.requests[-1]["allow_patterns"]
    assert not any(p.endswith((".py", ".bin", ".pth", ".pt", "*")) for p in patterns)
    model, _, card = load_folder("OpenGVLab/PVC-InternVL2-8B", torch.float32, "cpu")
    assert card["name"] == "PVC-InternVL2-8B"
    assert model.config.model_type == "pvc"


def test_a_complete_download_is_used_without_the_network(
    release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kept(name: str, **options: object) -> str:
        assert options["local_files_only"]
        return str(release)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", kept)
    assert resolve("OpenGVLab/PVC-InternVL2-8B") == release


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        (OSError("no route"), "no connection"),
        (errors.OfflineModeIsEnabled("offline"), "no connection, or downloads are disabled"),
        (errors.LocalEntryNotFoundError("none"), "and name the folder"),
    ],
)
def test_a_failed_download_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, failure: Exception, sentence: str
) -> None:
    monkeypatch.setattr(huggingface_hub, "snapshot_download", Hub(None, failure))
    with pytest.raises(WeightsError, match=sentence) as error:
        resolve("OpenGVLab/PVC-InternVL2-8B", lambda _: None)
    assert "\n" not in str(error.value)


def test_a_mistyped_folder_is_never_looked_up_on_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        huggingface_hub, "snapshot_download", Hub(None, AssertionError("looked up"))
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "file").write_text("x")
    for name in ("runs/modell", "./a/b", "/a/b", "nothing", "a/b/c", "../a", "~/nothing-here"):
        with pytest.raises(WeightsError, match="is neither a folder, nor"):
            resolve(name)
    with pytest.raises(WeightsError, match="is a file"):
        resolve("file")
    with pytest.raises(WeightsError, match=r"it has no config\.json"):
        resolve("runs")
    assert sources.HUB_ID.fullmatch("OpenGVLab/PVC-InternVL2-8B")


def config(**values: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return change


def put(name: str, data: bytes) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).write_bytes(data)

    return write


LLAMA = {"model_type": "llama"}
WRONG: dict[str, tuple[Callable[[Path], object], str]] = {
    "no json": (put("config.json", b"{"), "truncated or damaged"),
    "a page": (put("config.json", b"<html>"), "web page"),
    "another model": (config(model_type="llava"), "this is a model of type llava, not pvc"),
    "no tower": (config(tower=[]), "tower must be an object"),
    "unknown field": (config(tower={"color": 1}), "tower.color is not a field of TowerConfig"),
    "text for a number": (config(tower={"dim": "8"}), "tower.block.dim must be a whole number"),
    "absurd size": (config(tower={"dim": 10**12}), "tower.block.dim must be a whole number"),
    "number for text": (config(prompt={"template": 3}), "prompt.template must be text"),
    "short tuple": (config(tower={"image_mean": [1]}), "a list of 3 numbers"),
    "wrong order": (config(prompt={"tile_order": "both"}), "tile_order is"),
    "unknown language model": (config(text_config={"model_type": "x"}), "a language model of"),
    "no language model": (config(text_config=None), "text_config is missing"),
    "absurd vocabulary": (config(text_config=LLAMA | {"vocab_size": -1}), "text_config.vocab_size"),
    "a word for a size": (config(text_config=LLAMA | {"hidden_size": "big"}), "hidden_size must"),
    "no weights": (lambda f: (f / "model.safetensors").unlink(), "it has no weights"),
    "a pointer": (put("model.safetensors", b"version https://git-lfs"), "Git LFS pointer"),
    "a pickle": (put("model.safetensors", b"PK\x03\x04"), "pickle under another name"),
    "other sizes": (config(tower={"image_size": 32, "patch_size": 8}), "wrong shape: "),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), "tokenizer"),
    "a broken tokenizer": (put("tokenizer.json", b"{"), "tokenizer"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_or_broken_folder_in_our_format_is_one_sentence(
    ours: Path, tmp_path: Path, name: str
) -> None:
    folder = Path(shutil.copytree(ours, tmp_path / "model"))
    breaking, sentence = WRONG[name]
    breaking(folder)
    with pytest.raises(ValueError, match=sentence) as error:
        load_folder(folder, torch.float32, "cpu")
    assert "\n" not in str(error.value)
    assert str(folder) in str(error.value)
