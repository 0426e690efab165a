"""InternLM2's tokenizer without its code: the same ids as SentencePiece itself."""

import json
from pathlib import Path

import pytest
import sentencepiece
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from published_maker import MARKUP, sentencepiece_model, write_tokenizer
from transformers import AutoTokenizer

from vlm.prompt.safe_tokenizer import PlainTokenizer, clean
from vlm.weights.io.files import WeightsError
from vlm.weights.language.internlm2_tokenizer import internlm2_tokenizer

TRICKS = ["a", "aa", " ", "  ", "\n", "\t", "▁", "<s>", "</s>", "<unk>", "<|im_end|>", "<img>"]
TRICKS += ["<0x41>", "<0x0A>", "\0", "é", "e\u0301", "你是", "def ", " x", "\ufeff", "\U0001f600"]
SPARE = ["[UNUSED_TOKEN_141]", "[UNUSED_TOKEN_14"]
TEXTS = st.lists(st.text() | st.sampled_from(TRICKS)).map("".join)
HOSTILE = st.lists(st.text() | st.sampled_from([*TRICKS, *SPARE])).map("".join)

OTHERS = [
    {"add_dummy_prefix": True},
    {"remove_extra_whitespaces": True},
    {"normalization_rule_name": "nmt_nfkc", "add_dummy_prefix": True}
    | {"remove_extra_whitespaces": True},
]


def pair(
    folder: Path, **options: object
) -> tuple[PlainTokenizer, sentencepiece.SentencePieceProcessor]:
    model = sentencepiece_model(**options)
    write_tokenizer(folder, model)
    theirs = sentencepiece.SentencePieceProcessor(model_proto=model)
    return PlainTokenizer(internlm2_tokenizer(folder)), theirs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(folder)
    return folder


def test_any_text_gets_the_ids_of_sentencepiece(tmp_path: Path) -> None:
    ours, theirs = pair(tmp_path)

    @settings(max_examples=100, deadline=None)
    @given(HOSTILE)
    def same(text: str) -> None:
        # The spare pieces that became markup are words like any others when somebody types them.
        assume(not any(f"[UNUSED_TOKEN_{number}]" in text for number in (145, 146)))
        assert ours(text, leading_space=True) == theirs.encode(clean(text))

    same()


@pytest.mark.parametrize("options", OTHERS, ids=lambda o: "+".join(o))
def test_other_settings_of_sentencepiece_give_its_ids_too(
    tmp_path: Path, options: dict[str, object]
) -> None:
    ours, theirs = pair(tmp_path, **options)

    @settings(max_examples=40, deadline=None)
    @given(TEXTS)
    def same(text: str) -> None:
        assert ours(text, leading_space=True) == theirs.encode(clean(text))

    same()


def test_decoding_restores_the_text(folder: Path) -> None:
    tokenizer = internlm2_tokenizer(folder)
    plain = PlainTokenizer(tokenizer)

    @settings(max_examples=40, deadline=None)
    @given(TEXTS.filter(lambda text: "▁" not in text))
    def back(text: str) -> None:
        assert tokenizer.decode(plain(text)) == clean(text)

    back()


def test_added_tokens_have_their_ids_and_spare_pieces_become_role_markers(folder: Path) -> None:
    tokenizer = internlm2_tokenizer(folder)
    added = json.loads((folder / "added_tokens.json").read_text())
    assert {token: tokenizer.convert_tokens_to_ids(token) for token in MARKUP} == added
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    for token, piece in (("<|im_end|>", 145), ("<|im_start|>", 146)):
        id = pieces.piece_to_id(f"[UNUSED_TOKEN_{piece}]")
        assert tokenizer.encode(token, add_special_tokens=False) == [id]
    assert len(tokenizer) == pieces.vocab_size() + len(MARKUP)
    # Nobody who types the spare piece's name gets the role's token.
    assert not set(PlainTokenizer(tokenizer)("[UNUSED_TOKEN_145]")) & set(tokenizer.all_special_ids)
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (1, 2, 2)
    assert tokenizer("a").input_ids[0] == 1  # BOS once, in front


def test_the_tokenizer_is_saved_as_an_ordinary_fast_tokenizer(folder: Path, tmp_path: Path) -> None:
    tokenizer = internlm2_tokenizer(folder)
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    text = "<|im_start|>user\n<img><IMG_CONTEXT></img>\nnaïve 你是 \U0001f600<|im_end|>"
    assert again(text).input_ids == tokenizer(text).input_ids
    assert again.all_special_ids == tokenizer.all_special_ids


def test_a_folder_that_leaves_the_role_markers_to_code_gets_them_too(
    folder: Path, tmp_path: Path
) -> None:
    for name in ("tokenizer.model", "added_tokens.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "tokenizer_config.json").write_text("{}")
    ours, whole = internlm2_tokenizer(tmp_path), internlm2_tokenizer(folder)
    assert ours.get_vocab() == whole.get_vocab()
    assert set(ours.all_special_ids) == set(whole.all_special_ids)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("tokenizer.model", None, "tokenizer.model: the file is missing"),
        ("tokenizer.model", b"version https://git-lfs", "Git LFS pointer"),
        ("tokenizer.model", b"<html>", "web page"),
        ("tokenizer.model", b"", "empty"),
        ("tokenizer.model", b"\x0a\xff\xff", "truncated or damaged"),
        ("added_tokens.json", b'{"<img>": "x"}', "<img> must be a whole number"),
        ("added_tokens.json", b'{"<img>": 100000}', "without a gap"),
        ("added_tokens.json", b"[" * 100000, "truncated or damaged"),
        ("tokenizer_config.json", None, "tokenizer_config.json: the file is missing"),
        ("tokenizer_config.json", b'{"added_tokens_decoder": []}', "must be an object"),
        ("tokenizer_config.json", b'{"added_tokens_decoder": {"8": {}}}', "8.content is missing"),
        ("tokenizer_config.json", b'{"added_tokens_decoder": {"420": {"content": "x"}}}', "is x"),
    ],
)  # fmt: skip
def test_a_broken_tokenizer_is_one_sentence(
    folder: Path, tmp_path: Path, name: str, content: bytes | None, reason: str
) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match=reason) as error:
        internlm2_tokenizer(tmp_path)
    assert "\n" not in str(error.value)
    assert str(tmp_path) in str(error.value)


def test_a_unigram_model_is_refused(tmp_path: Path) -> None:
    model = sentencepiece_model(model_type="unigram", vocab_size=365)
    write_tokenizer(tmp_path, model)
    with pytest.raises(WeightsError, match="only SentencePiece models of type BPE"):
        internlm2_tokenizer(tmp_path)
