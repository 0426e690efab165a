"""Assets of synthetic pictures and photographs for scoring, from packages made by the tests."""

import hashlib
import json
import struct
import tarfile
import zlib
from pathlib import Path

import pytest
from PIL import Image

from data.prepare import assets, chat, emoji, fetch, packages, photo_table, photos, tuxpaint
from data.prepare.qt_resources import read_qt_resources


def test_emoji_get_their_everyday_name() -> None:
    assert emoji.everyday_name("hocho", "dishware") == "kitchen knife"
    assert emoji.everyday_name("dog2", "animal-mammal") == "dog"
    assert emoji.everyday_name("fox_face", "animal-mammal") == "fox"
    assert emoji.everyday_name("male-pilot", "person-role") == "pilot"
    assert emoji.everyday_name("potted_plant", "plant-other") == "potted plant"


@pytest.mark.parametrize(
    ("short_name", "subcategory"),
    [("clock1230", "time"), ("grinning", "face-smiling"), ("flag-fr", "country-flag")]
    + [("wheel_of_dharma", "religion"), ("japan", "place-map"), ("runner", "person-activity")],
)
def test_emoji_that_cannot_be_named_by_their_look_are_skipped(
    short_name: str, subcategory: str
) -> None:
    assert emoji.everyday_name(short_name, subcategory) is None


def test_corrected_emoji_names_are_plain_words() -> None:
    for name in emoji._RENAME.values():
        assert "_" not in name
        assert name == name.strip() != ""


def _picture(path: Path, box: tuple[int, int, int, int], size: int = 400) -> Path:
    """A red box on a transparent background."""
    picture = Image.new("RGBA", (size, size), (0, 0, 0, 0))
    picture.paste((200, 0, 0, 255), box)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)
    return path


def test_both_emoji_sets_are_found_with_either_file_name(tmp_path: Path) -> None:
    entry = {"short_name": "mushroom", "subcategory": "plant-other", "unified": "1F344-FE0F"}
    listed = tmp_path / "google" / "package" / "emoji.json"
    listed.parent.mkdir(parents=True)
    listed.write_text(json.dumps([{**entry, "sort_order": 1}]))
    box = (0, 0, 40, 40)
    _picture(tmp_path / "fluent" / "package" / "assets" / "1f344.webp", box)
    _picture(listed.parent / "img" / "google" / "64" / "1f344-fe0f.png", box)
    found = list(emoji.emoji_pictures(tmp_path / "fluent", tmp_path / "google"))
    assert [row[:3] for row in found] == [
        ("mushroom", "plant", "fluent"),
        ("mushroom", "plant", "google"),
    ]


def test_objects_are_cropped_shrunk_and_saved_under_distinct_names(tmp_path: Path) -> None:
    wide = _picture(tmp_path / "a.png", (50, 100, 350, 200))
    small = _picture(tmp_path / "b.png", (0, 0, 64, 32), size=64)
    empty = _picture(tmp_path / "c.png", (0, 0, 0, 0), size=8)
    named = [("boot", "clothing", "fluent", wide), ("boot", "clothing", "fluent", small)]
    rows = assets.write_objects([*named, ("fog", "sky", "fluent", empty)], tmp_path)
    assert len({row["file"] for row in rows}) == len(rows) == 2  # the empty one is skipped
    sizes = []
    for row in rows:
        with Image.open(tmp_path / row["file"]) as opened:
            sizes.append(opened.size)
    assert sizes == [(192, 64), (64, 32)]


def test_one_name_is_on_one_side_of_the_split_in_every_set(tmp_path: Path) -> None:
    source = _picture(tmp_path / "a.png", (0, 0, 30, 30))
    named = [
        (name, "x", label, source) for name in ("Boot", "boot") for label in ("fluent", "photo")
    ]
    assert len({row["split"] for row in assets.write_objects(named, tmp_path)}) == 1


def test_about_an_eighth_of_the_names_is_held_out_and_always_the_same() -> None:
    held = [name for name in map(str, range(2000)) if assets.is_held_out(name)]
    assert 0.09 < len(held) / 2000 < 0.15
    assert assets.is_held_out("banana")  # fixed by a hash: a change here breaks comparisons
    assert not assets.is_held_out("cat")


def test_two_font_families_and_a_quarter_of_the_backgrounds_are_held_out() -> None:
    fonts = [pair for _, families in packages.FONTS for pair in assets._marked(families)]
    grounds = [pair for _, names in packages.BACKGROUNDS for pair in assets._marked(names)]
    assert sum(split == "held" for _, split in fonts) == 2
    assert sum(split == "held" for _, split in grounds) == len(grounds) / 4


def test_held_out_cut_outs_are_never_objects_for_training(tmp_path: Path) -> None:
    root = tmp_path / "usr" / "share" / "tuxpaint" / "stamps"
    scored = [line.split("|")[0].strip() for line in photo_table.CUT_OUTS.strip().splitlines()]
    for key in [*scored, "animals/mammals/yak", "animals/cartoon/mouse", "symbols/letter"]:
        _picture(root / f"{key}.png", (0, 0, 9, 9), size=9)
        (root / f"{key}.txt").write_text("A yak.\nde=Ein Yak.\n")
    assert [(row[0], row[3].stem) for row in tuxpaint.stamp_pictures(tmp_path)] == [("yak", "yak")]


@pytest.mark.parametrize(
    ("sentence", "name"),
    [
        ("An iguana.", "iguana"),
        ("A pair of pliers.", "pliers"),
        ("Eat your broccoli!", None),
        ("A very small pumpkin that was grown in a garden.", None),
        ("An eggplant with fruit.", None),
    ],
)
def test_names_are_extracted_only_from_simple_sentences(sentence: str, name: str | None) -> None:
    assert tuxpaint.name_in(sentence) == name


def _rcc(path: Path, name: str, content: bytes, compressed: bool) -> Path:
    """A Qt resource file, version 1: an unnamed root, a folder "pictures", one file in it."""
    names = b""
    starts = []
    for part in ("pictures", name):
        starts.append(len(names))
        names += struct.pack(">HI", len(part), 0) + part.encode("utf-16-be")
    body = struct.pack(">I", len(content)) + zlib.compress(content) if compressed else content
    data = struct.pack(">I", len(body)) + body
    tree = struct.pack(">IHII", 0, 2, 1, 1) + struct.pack(">IHII", starts[0], 2, 1, 2)
    tree += struct.pack(">IHHHI", starts[1], int(compressed), 0, 0, 0)
    header = struct.pack(">4s4I", b"qres", 1, 20, 20 + len(tree), 20 + len(tree) + len(data))
    path.write_bytes(header + tree + data + names)
    return path


@pytest.mark.parametrize("compressed", [True, False])
def test_qt_resources_are_read_with_names_and_contents(tmp_path: Path, compressed: bool) -> None:
    file = _rcc(tmp_path / "a.rcc", "owl.webp", b"picture" * 50, compressed)
    assert list(read_qt_resources(file)) == [("pictures/owl.webp", b"picture" * 50)]


def test_a_file_of_another_format_is_refused_as_a_qt_resource(tmp_path: Path) -> None:
    (tmp_path / "a.rcc").write_bytes(b"PK\x03\x04 something else entirely")
    with pytest.raises(ValueError, match="not a Qt resource"):
        list(read_qt_resources(tmp_path / "a.rcc"))


def test_credits_are_read_in_any_order() -> None:
    readme = (
        "Copyright: A. Author\nSource: https://example.org/owl\nLicense: CC0-1.0\nFiles: owl.webp\n"
        "\nFiles:\ncat.webp\nLicense: Public domain\nCopyright: B. Writer\n"
    )
    assert photos.read_credits(readme) == {
        "owl": ("CC0-1.0", "A. Author, https://example.org/owl"),
        "cat": ("Public domain", "B. Writer"),
    }


@pytest.mark.parametrize("table", ["WHOLE", "CUT_OUTS", "SCIKIT_IMAGE"])
def test_photo_rows_are_complete_and_no_name_is_both_right_and_nearly_right(table: str) -> None:
    rows = list(photos.table_rows(getattr(photo_table, table)))
    assert len({picture for picture, _, _ in rows}) == len(rows)
    for picture, accept, near in rows:
        assert all(accept), picture
        assert all(near), picture
        assert not set(accept) & set(near), picture


def _package(folder: Path, digest: str | None = None) -> fetch.Package:
    """A package whose "manager" packs one file; counts its calls in a file next to it."""
    archive = folder / "package-1.0.tgz"
    (folder / "a.txt").write_text("hello")
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(folder / "a.txt", "package/a.txt")
    digest = digest or hashlib.sha256(archive.read_bytes()).hexdigest()
    return fetch.Package("npm", "package", "1.0", digest)


def test_a_package_is_fetched_once_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = _package(tmp_path)
    calls = []

    def copy(package: fetch.Package, into: Path) -> None:
        calls.append(package.name)
        (into / "package-1.0.tgz").write_bytes((tmp_path / "package-1.0.tgz").read_bytes())

    monkeypatch.setitem(fetch._COMMANDS, "npm", copy)
    for _ in range(2):
        folder = fetch.fetch(package, tmp_path / "downloads")
        assert (folder / "package" / "a.txt").read_text() == "hello"
    assert calls == ["package"]
    wrong = fetch.Package("npm", "other", "1.0", "0" * 64)
    with pytest.raises(fetch.FetchError, match="do not use it"):
        fetch.fetch(wrong, tmp_path / "downloads")


def test_a_missing_tool_is_named_in_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(fetch.FetchError, match=r"needs Node\.js"):
        fetch.fetch(packages.FLUENT, tmp_path)


def test_held_out_chat_prompts_are_not_trained_on() -> None:
    train, held = chat.prompts()
    assert len(held) == 60
    assert not set(train) & set(held)
    assert chat.prompts() == (train, held)
    assert not any("{" in prompt for prompt in train + held)


def test_chat_has_no_system_prompt_and_ends_where_the_answer_begins() -> None:
    assert chat.chatml(["Hi", "Hello.", "Bye"]) == (
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n"
        "<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n"
    )


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("One is here. Two is", "One is here."),
        ("Try this:\n1. Sleep.\n2. Eat well.\n3.", "Try this:\n1. Sleep.\n2. Eat well."),
        ("No end in sight", ""),
    ],
)
def test_a_truncated_answer_keeps_its_whole_sentences(answer: str, kept: str) -> None:
    assert chat.whole_sentences(answer, complete=False) == kept
    assert chat.whole_sentences(answer, complete=True) == answer


def test_every_conversation_gets_its_own_answer() -> None:
    talks = [[str(number) * (number % 7 + 1)] for number in range(100)]

    def echo(texts: list[str]) -> list[tuple[str, bool]]:
        return [(text.split("\n")[1].removesuffix("<|im_end|>"), True) for text in texts]

    answered = list(chat.answer_all(talks, echo))
    assert sorted(turns for turns, _ in answered) == sorted(talks)
    assert all(turns[0] == answer for turns, answer in answered)
