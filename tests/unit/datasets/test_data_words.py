"""Records get the experts' words, each file once."""

from pathlib import Path

from PIL import Image

from data.records import read_records, write_records
from data.words import add_words
from vlm.config import PromptConfig
from vlm.experts.expert_words import ExpertWords
from vlm.experts.experts import Experts
from vlm.experts.findings import Findings


class CountingExperts(Experts):
    """Finds one color and counts the calls."""

    calls = 0

    def __init__(self) -> None:
        super().__init__(None, None)

    def __call__(self, frames) -> list[Findings]:  # noqa: ANN001
        self.calls += 1
        return [Findings(color="white")] * len(frames)


def test_each_picture_gets_its_words_and_nothing_else_changes(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "white").save(tmp_path / "a.png")
    part = {"type": "image", "image": "a.png"}
    content = [part, {"type": "text", "text": "Which color?"}]
    messages = [{"role": "user", "content": content}, {"role": "assistant", "content": "White."}]
    source, out = tmp_path / "records.jsonl", tmp_path / "words.jsonl"
    write_records(source, [{"id": str(n), "messages": messages} for n in range(2)])
    experts = CountingExperts()
    assert add_words(source, out, ExpertWords(experts, PromptConfig(), ()), num_frames=8) == 1
    assert experts.calls == 1
    before, after = list(read_records(source)), list(read_records(out))
    assert [medium.words[0] for record in after for medium in record.media] == ["Color: white."] * 2
    assert [record.turns for record in after] == [record.turns for record in before]
