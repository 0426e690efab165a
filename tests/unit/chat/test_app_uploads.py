"""The private folder of a server, and which visitor may use which file."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.page.kept.uploads import LOCK, PREFIX, Uploads, _delete_abandoned

ROOT = Path(__file__).parents[3]
HOLD = "from app.page.kept.uploads import private_folder as f; print(f(), flush=True); input()"


def server(parent: Path) -> subprocess.Popen[str]:
    """A process that holds a private folder until its input closes."""
    environment = os.environ | {"GRADIO_TEMP_DIR": str(parent), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", HOLD],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def folder_of(process: subprocess.Popen[str]) -> Path:
    assert process.stdout is not None
    return Path(process.stdout.readline().strip())


def test_a_second_server_leaves_the_first_its_folder(tmp_path: Path) -> None:
    first = server(tmp_path)
    mine = folder_of(first)
    second = server(tmp_path)
    other = folder_of(second)
    assert mine.is_dir()
    assert mine != other
    for process in (first, second):
        process.communicate("")
    assert list(tmp_path.iterdir()) == []


def test_a_killed_servers_folder_is_deleted_by_the_next(tmp_path: Path) -> None:
    first = server(tmp_path)
    left = folder_of(first)
    first.kill()
    first.communicate()
    assert left.is_dir()
    second = server(tmp_path)
    folder_of(second)
    assert not left.exists()
    second.communicate("")


def test_the_folder_of_another_users_server_is_not_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / f"{PREFIX}theirs"
    theirs.mkdir()
    (theirs / LOCK).touch()

    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", refuse)
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    _delete_abandoned(tmp_path)
    monkeypatch.undo()
    assert (theirs / LOCK).is_file()


def test_other_folders_of_the_same_name_are_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / f"{PREFIX}notes"
    mine.mkdir()
    process = server(tmp_path)
    folder_of(process)
    process.communicate("")
    assert mine.is_dir()
    assert not (mine / LOCK).exists()


def test_a_file_belongs_to_its_sender_until_it_is_unused_for_its_lifetime(tmp_path: Path) -> None:
    now = [0.0]
    uploads = Uploads(tmp_path, lifetime=10, now=lambda: now[0])
    file = tmp_path / "a.png"
    file.write_bytes(b"x")
    uploads.begin()
    uploads.end("ann", [str(file)])
    assert uploads.may_use("ann", str(file))
    assert not uploads.may_use("ben", str(file))
    assert not uploads.may_use("ann", f"{tmp_path}/../{tmp_path.name}/a.png")
    now[0] = 11
    uploads.delete_old()
    assert not file.exists()
    assert not uploads.may_use("ann", str(file))


@pytest.mark.parametrize(("num_bytes", "fits"), [(50, True), (101, False)])
def test_the_quota_counts_all_files(tmp_path: Path, num_bytes: int, fits: bool) -> None:
    (tmp_path / "a").write_bytes(b"x" * 50)
    assert Uploads(tmp_path, quota=150).room_for(num_bytes) is fits
