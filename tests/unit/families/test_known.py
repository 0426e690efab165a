"""Names of published models: their size is known before a download, a near miss is corrected."""

import re

import pytest

from vlm.families.known import download_bytes, known_model, known_names, similar_name
from vlm.weights.io.files import WeightsError
from vlm.weights.sources import resolve


@pytest.mark.parametrize(
    ("name", "gigabytes"),
    [
        ("OpenGVLab/InternVL3-1B", 1.9),
        ("OpenGVLab/InternVL3-1B-hf", 1.9),
        ("Qwen/Qwen2.5-VL-3B-Instruct", 7.5),
        ("OpenGVLab/PVC-InternVL2-8B", 19.1),
    ],
)
def test_the_size_of_a_download_is_that_of_the_published_files(name: str, gigabytes: float) -> None:
    size = download_bytes(name)
    assert size is not None
    assert size / 1e9 == pytest.approx(gigabytes, abs=0.06)


def test_nothing_is_known_of_other_names() -> None:
    assert known_model("somebody/unknown-hf") is None
    assert download_bytes("somebody/unknown") is None


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("InternVL3-1B", "OpenGVLab/InternVL3-1B"),
        ("internvl3-1b", "OpenGVLab/InternVL3-1B"),
        ("smolvlm2-500m", "HuggingFaceTB/SmolVLM2-500M-Video-Instruct"),
        ("OpenGVLab/InternVL35-1B", "OpenGVLab/InternVL3_5-1B"),
        ("mine", None),
    ],
)
def test_a_near_miss_is_corrected(given: str, meant: str | None) -> None:
    assert similar_name(given) == meant
    assert meant is None or meant in known_names()


def test_the_sentence_names_the_model_that_was_meant() -> None:
    with pytest.raises(WeightsError, match="OpenGVLab/InternVL3-2B; did you mean that"):
        resolve("InternVL3-2B")


@pytest.mark.parametrize(
    ("given", "end"),
    [
        ("HuggingFaceTB/SmolVLM2-500M", "; did you mean HuggingFaceTB/SmolVLM2-500M-Video-Inst"),
        ("OpenGVLab/InternVL3-1B-hf", "name the folder."),
        ("somebody/unknown", "name the folder."),
    ],
)
def test_a_name_of_two_parts_that_cannot_be_downloaded_is_corrected_too(
    given: str, end: str
) -> None:
    with pytest.raises(WeightsError, match=re.escape(end)):
        resolve(given, notify=lambda line: None)
