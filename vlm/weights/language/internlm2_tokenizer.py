"""Converts InternLM2's tokenizer, a SentencePiece BPE model with added tokens, to a fast tokenizer.

Its own class is code inside the checkpoint and does not run. tokenizer.model is data: pieces with
scores and types, and the normalization of text. The same merges, byte fallback, and the tokens of
added_tokens.json and tokenizer_config.json give a tokenizer with identical ids.

A token that is added under the id of a SentencePiece piece replaces that piece: InternLM2 reserves
spare pieces (`[UNUSED_TOKEN_145]`) for this.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlm.weights.io.files import WeightsError, likely_cause
from vlm.weights.io.schema import LARGEST_FILE, read_json_object

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

SPM_FILE, ADDED_FILE, CONFIG_FILE = "tokenizer.model", "added_tokens.json", "tokenizer_config.json"
UNKNOWN, BOS, EOS = "<unk>", "<s>", "</s>"  # ids 0, 1, 2; EOS is also the padding
# The tokens that chat models put on two spare pieces, for folders that leave them to their code.
SPARE = {"[UNUSED_TOKEN_145]": "<|im_end|>", "[UNUSED_TOKEN_146]": "<|im_start|>"}
# Types of pieces, numbered as in sentencepiece_model.proto.
NORMAL, CONTROL, USER_DEFINED, BYTE = 1, 3, 4, 6
BPE = 2
LONGEST_PIECE = 1024  # characters; a piece is a word or a run of spaces


def internlm2_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """Builds the tokenizer of an original folder. Raises WeightsError that names a broken file."""
    from transformers import PreTrainedTokenizerFast

    path = folder / SPM_FILE
    model = read_sentencepiece(path)
    added = _added_tokens(folder, [piece.piece for piece in model.pieces])
    tokenizer = _converted(model, {id: token for id, (token, _) in added.items()})
    _add_tokens(tokenizer, model, added, path)
    if _adds_bos(folder):
        from tokenizers.processors import TemplateProcessing

        tokenizer.post_processor = TemplateProcessing(
            single=f"{BOS} $A",
            pair=f"{BOS} $A {BOS} $B",
            special_tokens=[(BOS, tokenizer.token_to_id(BOS))],
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token=UNKNOWN,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=EOS,
        additional_special_tokens=[token for token, special in added.values() if special],
        clean_up_tokenization_spaces=False,
    )


def read_sentencepiece(path: Path) -> Any:
    """Reads a SentencePiece file as a ModelProto. Raises WeightsError if it is not convertible."""
    from google.protobuf.message import DecodeError
    from sentencepiece import sentencepiece_model_pb2

    model = sentencepiece_model_pb2.ModelProto()
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise WeightsError(f"{path}: the file is far too large to be a tokenizer.")
        model.ParseFromString(path.read_bytes())
    except FileNotFoundError as error:
        raise WeightsError(f"{path}: the file is missing. Download the folder again.") from error
    except (OSError, DecodeError) as error:
        raise WeightsError(f"{path}: {likely_cause(path, 'a tokenizer')}") from error
    pieces = model.pieces
    if not pieces or max(len(piece.piece) for piece in pieces) > LONGEST_PIECE:
        raise WeightsError(f"{path}: {likely_cause(path, 'a tokenizer')}")
    if model.trainer_spec.model_type != BPE:
        raise WeightsError(f"{path}: only SentencePiece models of type BPE can be converted.")
    if [piece.piece for piece in pieces[:3]] != [UNKNOWN, BOS, EOS]:
        raise WeightsError(
            f"{path}: the first pieces must be {UNKNOWN}, {BOS} and {EOS}, as in InternLM2."
        )
    spec = model.normalizer_spec
    if model.trainer_spec.treat_whitespace_as_suffix or not spec.escape_whitespaces:
        raise WeightsError(f"{path}: its treatment of spaces cannot be converted.")
    return model


def merges_of(scores: Mapping[str, float]) -> list[tuple[str, str]]:
    """Returns the merges, best first: every split of a piece into two other pieces.

    SentencePiece merges the neighbors that form the piece of the highest score; a list of pairs
    ordered by the score of their piece does the same.
    """
    merges = []
    for piece, _ in sorted(scores.items(), key=lambda item: -item[1]):
        for cut in range(1, len(piece)):
            left, right = piece[:cut], piece[cut:]
            if (left in scores or cut == 1) and (right in scores or cut == len(piece) - 1):
                merges.append((left, right))
    return merges


def _converted(model: Any, replaced: Mapping[int, str]) -> Tokenizer:
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers
    from tokenizers.normalizers import Normalizer

    vocabulary = {piece.piece: id for id, piece in enumerate(model.pieces)}
    for id, token in replaced.items():
        if id < len(model.pieces):
            vocabulary.pop(model.pieces[id].piece, None)
            vocabulary[token] = id
    scores = {
        piece.piece: piece.score
        for id, piece in enumerate(model.pieces)
        if piece.type == NORMAL and id not in replaced
    }
    merges = [pair for pair in merges_of(scores) if pair[0] in vocabulary and pair[1] in vocabulary]
    bytes_too = any(piece.type == BYTE for piece in model.pieces)
    tokenizer = Tokenizer(
        models.BPE(vocabulary, merges, unk_token=UNKNOWN, fuse_unk=True, byte_fallback=bytes_too)
    )
    spec = model.normalizer_spec
    steps: list[Normalizer] = []
    if spec.precompiled_charsmap:
        steps.append(normalizers.Precompiled(spec.precompiled_charsmap))
    if spec.remove_extra_whitespaces:
        steps += [
            normalizers.Replace(Regex(r"\A +"), ""),
            normalizers.Replace(Regex(" {2,}"), " "),
        ]
    if spec.add_dummy_prefix:
        steps.append(normalizers.Prepend("▁"))
    steps.append(normalizers.Replace(" ", "▁"))
    if spec.remove_extra_whitespaces:
        steps.append(normalizers.Replace(Regex(r"▁+\z"), ""))
    tokenizer.normalizer = normalizers.Sequence(steps)
    back: list[Any] = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    if spec.add_dummy_prefix:
        back.append(decoders.Strip(content=" ", left=1))
    tokenizer.decoder = decoders.Sequence(back)
    return tokenizer


def _add_tokens(
    tokenizer: Tokenizer, model: Any, added: Mapping[int, tuple[str, bool]], path: Path
) -> None:
    """Adds control pieces and added tokens, which are matched in the text before any merge."""
    from tokenizers import AddedToken

    marked = {
        id: (piece.piece, piece.type == CONTROL)
        for id, piece in enumerate(model.pieces)
        if piece.type in (CONTROL, USER_DEFINED)
    }
    marked[0] = (UNKNOWN, True)
    for _, (token, special) in sorted({**marked, **added}.items()):
        tokenizer.add_tokens([AddedToken(token, special=special, normalized=False)])
    wrong = [token for id, (token, _) in added.items() if tokenizer.token_to_id(token) != id]
    if wrong:
        raise WeightsError(
            f"{path}: the added tokens do not follow its {len(model.pieces)} pieces without a gap"
            f" ({wrong[0]}). Download all tokenizer files again, from one release."
        )


def _added_tokens(folder: Path, pieces: list[str]) -> dict[int, tuple[str, bool]]:
    """Returns id -> (token, is special) from both files, which must agree."""
    added: dict[int, tuple[str, bool]] = {}
    for id, piece in enumerate(pieces):
        if piece in SPARE:
            added[id] = (SPARE[piece], True)
    path = folder / ADDED_FILE
    if path.is_file():
        given = read_json_object(path, "a list of tokens")
        for token in given.values:
            added[given.integer(token, 0, 1 << 20)] = (token, True)
    path = folder / CONFIG_FILE
    config = read_json_object(path, "a tokenizer's config")
    if "added_tokens_decoder" in config:
        decoder = config.section("added_tokens_decoder")
        for written in decoder.values:
            entry = decoder.section(written)
            content, special = entry.text("content"), entry.boolean("special", True)
            if not written.isdecimal():
                raise decoder.wrong(written, "named by its id, a whole number")
            id = int(written)
            if id in added and added[id][0] not in (content, *SPARE.values()):
                raise WeightsError(
                    f"{path}: the token {id} is {content} here and {added[id][0]} in"
                    f" {ADDED_FILE}. Download both again, from one release."
                )
            added[id] = (content, special)
    return {id: added[id] for id in sorted(added) if id > 2}


def _adds_bos(folder: Path) -> bool:
    return read_json_object(folder / CONFIG_FILE, "a tokenizer's config").boolean(
        "add_bos_token", True
    )
