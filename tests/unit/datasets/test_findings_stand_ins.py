"""Findings with media that stand in for those they describe."""

import random
from pathlib import Path

import pytest

from data.embedded.findings import stand_ins
from data.embedded.findings.examples import example_to_json, examples
from data.embedded.findings.exchange import Exchange, Turn
from data.embedded.findings.stand_ins import StandIns
from data.records import MediaFile, RecordText, part_to_json, read_records, write_records
from data.synthetic.drawing.assets import Assets
from vlm.media.decode import probe


@pytest.fixture
def media(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIns:
    from PIL import Image

    photograph = tmp_path / "photograph.png"
    Image.effect_noise((320, 240), 80).convert("RGB").save(photograph)
    thing = stand_ins.load_assets(tmp_path).shapes[0]
    assets = Assets((thing,), ((thing,),), ("",), (str(photograph),))
    monkeypatch.setattr(stand_ins, "load_assets", lambda: assets)
    for name in ("NUM_PICTURES", "NUM_PAGES", "NUM_CLIPS"):
        monkeypatch.setattr(stand_ins, name, 2)
    return StandIns(tmp_path / "media")


def turn(*files: str) -> Turn:
    return Turn(Exchange("object", "What is this?", "A cat.", ("cat",)), files)


def test_a_file_gets_a_medium_of_its_kind_with_its_words(media: StandIns) -> None:
    rng = random.Random(0)
    film, page, picture = (
        "Frame 1: Color: red.\nWhole film: 1 cat.",
        "Page of text. A",
        "Kind: cat.",
    )
    first, second, third, question = media.parts(turn(film, page, picture), rng)
    assert isinstance(first, MediaFile)
    assert first.path in media.clips
    assert probe(first.path).kind == "video"
    assert first.words == ("Frame 1: Color: red.", "Whole film: 1 cat.")
    assert isinstance(second, MediaFile)
    assert second.path in media.pages
    assert isinstance(third, MediaFile)
    assert third.path in media.pictures
    assert probe(third.path).kind == "image"
    assert question == RecordText("What is this?")


def test_records_with_stand_ins_say_what_records_of_text_say(
    media: StandIns, tmp_path: Path
) -> None:
    rng = random.Random(0)

    def content(turn: Turn) -> list[dict[str, object]]:
        return [part_to_json(part, tmp_path) for part in media.parts(turn, rng)]

    made = list(examples(40, seed=5))
    path = tmp_path / "seen.jsonl"
    write_records(path, (example_to_json(x, str(i), content) for i, x in enumerate(made)))
    for record, example in zip(read_records(path), made, strict=True):
        assert [answer for _, answer in record.turns] == [t.exchange.answer for t in example.turns]
        words = ["\n".join(medium.words) for medium in record.media]
        assert words == [file for t in example.turns for file in t.files]


def test_equal_seeds_make_equal_media(media: StandIns, tmp_path: Path) -> None:
    again = StandIns(tmp_path / "again")
    for ours, theirs in zip(
        media.pictures + media.clips, again.pictures + again.clips, strict=True
    ):
        assert ours.read_bytes() == theirs.read_bytes()
