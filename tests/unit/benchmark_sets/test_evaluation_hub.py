"""Downloads from the hub, with a local server that answers the requests of `datasets`."""

import hashlib
import json
import shutil
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from evaluation.benchmarks import BENCHMARKS
from evaluation.benchmarks.base import Options
from evaluation.benchmarks.hub import fetch, revision_of
from evaluation.benchmarks.packed_media import unpack_tars
from evaluation.runs.manifest import file_hashes
from evaluation.toy import TOYS, make_toy

pytest.importorskip("datasets")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class FakeHub(BaseHTTPRequestHandler):
    """Serves the addresses needed to download files of a data set."""

    sets: ClassVar[dict[str, Path]] = {}  # repository -> folder
    downloads: ClassVar[list[str]] = []

    def do_HEAD(self) -> None:  # noqa: N802 - http.server's name
        self._answer(body=False)

    def do_GET(self) -> None:  # noqa: N802
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        path = self.path.split("?")[0]
        for repo, folder in self.sets.items():
            if path.startswith(f"/api/datasets/{repo}/revision/"):
                if path.rsplit("/", 1)[1] not in ("main", COMMIT):
                    self._send(404, b"", body, {"X-Error-Code": "RevisionNotFound"})
                    return
                files = sorted(file for file in folder.rglob("*") if file.is_file())
                listed = [
                    {"rfilename": file.relative_to(folder).as_posix(), "size": file.stat().st_size}
                    for file in files
                ]
                facts = {"id": repo, "sha": COMMIT, "siblings": listed}
                self._send(200, json.dumps(facts).encode(), body, {})
                return
            start = f"/datasets/{repo}/resolve/{COMMIT}/"
            if path.startswith(start):
                data = (folder / path.removeprefix(start)).read_bytes()
                if body:
                    self.downloads.append(path.removeprefix(start))
                tag = f'"{hashlib.sha256(data).hexdigest()}"'
                self._send(200, data, body, {"ETag": tag, "X-Repo-Commit": COMMIT})
                return
        self._send(404, b"", body, {"X-Error-Code": "RepoNotFound"})

    def _send(self, code: int, data: bytes, body: bool, headers: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if body:
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Suppresses the access log."""


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toys")
    for name in ("docvqa", "videomme", "mmbench"):
        make_toy(name, folder / name)
    return folder


@pytest.fixture
def hub(toys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[FakeHub]]:
    """Serves the toy sets under the names of the real ones; starts with an empty cache."""
    monkeypatch.setattr(FakeHub, "downloads", [])
    monkeypatch.setattr(
        FakeHub, "sets", {_repo(path.name): path for path in toys.iterdir() if path.is_dir()}
    )
    with ThreadingHTTPServer(("127.0.0.1", 0), FakeHub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr("datasets.config.HF_ENDPOINT", address)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        yield FakeHub
        server.shutdown()
        thread.join()


def _repo(name: str) -> str:
    found = BENCHMARKS[name].hub
    assert found is not None
    return found.repo


@pytest.mark.parametrize("name", ["docvqa", "videomme", "mmbench"])
def test_files_from_the_hub_equal_those_of_a_folder(
    hub: type[FakeHub], toys: Path, name: str
) -> None:
    benchmark, options, said = BENCHMARKS[name], Options(), []
    folder = fetch(benchmark, options, notify=said.append)
    here, there = (benchmark.data_files(place, options) for place in (toys / name, folder))
    assert file_hashes(folder, there) == file_hashes(toys / name, here)
    ids = [question.id for question in benchmark.questions(folder, options)]
    assert ids == [question.id for question in benchmark.questions(toys / name, options)]
    assert revision_of(folder, there) == f"{_repo(name)}@{COMMIT}"
    assert COMMIT[:12] in said[0]
    for part in benchmark.questions(folder, options)[0].parts:
        if not isinstance(part, str):
            assert part.source()


def test_only_required_files_are_downloaded_and_only_once(hub: type[FakeHub]) -> None:
    fetch(BENCHMARKS["videomme"], Options(), media=False)
    assert hub.downloads == ["videomme/test-00000-of-00001.parquet"]
    fetch(BENCHMARKS["videomme"], Options(subtitles=True))
    assert sorted(hub.downloads[1:]) == [
        *("subtitle.zip", "videos_chunked_01.zip", "videos_chunked_02.zip"),
    ]


def test_without_a_network_the_cache_is_used(
    hub: type[FakeHub], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fetch(BENCHMARKS["docvqa"], Options())
    monkeypatch.setattr("datasets.config.HF_ENDPOINT", "http://127.0.0.1:9")
    assert fetch(BENCHMARKS["docvqa"], Options()) == first
    assert fetch(BENCHMARKS["docvqa"], Options(), COMMIT) == first
    with pytest.raises(ValueError, match=r"cannot be reached .* required in a folder: DocVQA/"):
        fetch(BENCHMARKS["docvqa"], Options(split="test"))


@pytest.mark.parametrize(
    ("name", "revision", "sentence"),
    [
        ("docvqa", "older", "the hub has no lmms-lab/DocVQA at 'older'"),
        ("ai2d", "main", "the hub has no lmms-lab/ai2d at 'main'"),
        ("worlds", "main", "worlds: --hub cannot fetch it; required in a folder"),
        ("ovobench", "main", "cannot fetch it; .* cat src_videos.tar.part"),
        ("lvbench", "main", "has its questions alone .* films, which are on YouTube"),
        ("longvideobench", "main", "cannot fetch it; required in a folder: lvb_val.json"),
    ],
)
def test_sets_missing_on_the_hub_are_refused_in_one_sentence(
    hub: type[FakeHub], name: str, revision: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence) as told:
        fetch(BENCHMARKS[name], Options(), revision)
    assert "\n" not in str(told.value)


def test_tar_files_of_videos_are_unpacked_once(
    hub: type[FakeHub], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TimeLens's layout on the hub: questions, and shards of videos."""
    make_toy("timelens", tmp_path / "timelens")
    for name in ("charades", "activitynet", "qvhighlights"):
        shard = tmp_path / "timelens/video_shards" / name / f"{name}_shard_01.tar.gz"
        shard.parent.mkdir(parents=True)
        with tarfile.open(shard, "w:gz") as packed:
            packed.add(tmp_path / "timelens/videos" / name, name)
    shutil.move(tmp_path / "timelens/videos", tmp_path / "taken")
    hub.sets["TencentARC/TimeLens-Bench"] = tmp_path / "timelens"
    timelens, said = BENCHMARKS["timelens"], []
    folder = fetch(timelens, Options(), notify=said.append)
    parts = [question.media[0] for question in timelens.questions(folder, Options())]
    assert len({part.source() for part in parts}) == 3
    assert sum("unpacking" in line for line in said) == 3
    monkeypatch.setattr("datasets.config.HF_ENDPOINT", "http://127.0.0.1:9")
    assert fetch(timelens, Options(split="charades"), notify=said.append) == folder
    assert sum("unpacking" in line for line in said) == 3
    assert not list(folder.rglob(".unpacking-*"))


def test_a_damaged_tar_file_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "shard_1.tar.gz").write_bytes(b"\x1f\x8b broken")
    with pytest.raises(ValueError, match=r"shard_1\.tar\.gz cannot be unpacked"):
        unpack_tars([tmp_path / "shard_1.tar.gz"], tmp_path / "videos")
    assert [path.name for path in (tmp_path / "videos").iterdir()] == [".unpacking.lock"]


def test_a_set_with_other_file_names_is_refused(hub: type[FakeHub], tmp_path: Path) -> None:
    (tmp_path / "renamed").mkdir()
    (tmp_path / "renamed/other.parquet").write_bytes(b"PAR1")
    hub.sets["lmms-lab/DocVQA"] = tmp_path / "renamed"
    with pytest.raises(ValueError, match="holds no DocVQA/validation-"):
        fetch(BENCHMARKS["docvqa"], Options())


def test_the_hub_patterns_match_the_files_of_every_toy_set(toys: Path, tmp_path: Path) -> None:
    for name in TOYS:
        benchmark = BENCHMARKS[name]
        if benchmark.hub is None:
            continue
        if not (toys / name).is_dir():
            make_toy(name, tmp_path / name)
        folder = toys / name if (toys / name).is_dir() else tmp_path / name
        patterns = benchmark.hub_files(Options(), media=False)
        found = [set(folder.glob(pattern)) for pattern in patterns]
        assert all(found)
        assert set().union(*found) == set(benchmark.data_files(folder, Options()))


def test_a_folder_filled_by_hand_knows_its_commit(toys: Path, tmp_path: Path) -> None:
    shutil.copytree(toys / "docvqa", tmp_path / "docvqa")
    files = BENCHMARKS["docvqa"].data_files(tmp_path / "docvqa", Options())
    assert revision_of(tmp_path / "docvqa", files) is None
    note = tmp_path / "docvqa/.cache/huggingface/download/DocVQA" / f"{files[0].name}.metadata"
    note.parent.mkdir(parents=True)
    note.write_text(f"{COMMIT}\netag\n1700000000.0\n")
    assert revision_of(tmp_path / "docvqa", files) == COMMIT
