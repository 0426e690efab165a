"""InternLM2's tokenizer, a SentencePiece BPE model with added tokens, as a fast tokenizer.

Its own class is code inside the checkpoint and is not run. tokenizer.model is data: pieces with
scores and kinds, and how text is prepared. The same merges, bytes for what is in no piece, and the
tokens of added_tokens.json and tokenizer_config.json make a tokenizer that gives the same ids.

Tokens added under an id that SentencePiece has a piece for take that piece's place: InternLM2 keeps
spare pieces (`[UNUSED_TOKEN_145]`) for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlm.weights.io.files import WeightsError, why_unreadable
from vlm.weights.io.schema import LARGEST_FILE, read_json

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

SPM_FILE, ADDED_FILE, CONFIG_FILE = "tokenizer.model", "added_tokens.json", "tokenizer_config.json"
UNKNOWN, BOS, EOS = "<unk>", "<s>", "</s>"  # ids 0, 1, 2; EOS is also the padding
# What the chat models use two spare pieces for, said here for folders that leave it to code.
SPARE = {"[UNUSED_TOKEN_145]": "<|im_end|>", "[UNUSED_TOKEN_146]": "<|im_start|>"}
# Kinds of pieces, as sentencepiece_model.proto numbers them.
NORMAL, CONTROL, USER_DEFINED, BYTE = 1, 3, 4, 6
BPE = 2
LONGEST_PIECE = 1024  # characters; a piece is a word or a run of spaces


def internlm2_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """The tokenizer of an original folder. Raises WeightsError with the file that is at fault."""
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
    """The ModelProto of a SentencePiece file of the kind that can be converted."""
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
        raise WeightsError(f"{path}: {why_unreadable(path, 'a tokenizer')}") from error
    pieces = model.pieces
    if not pieces or max(len(piece.piece) for piece in pieces) > LONGEST_PIECE:
        raise WeightsError(f"{path}: {why_unreadable(path, 'a tokenizer')}")
    if model.trainer_spec.model_type != BPE:
        raise WeightsError(f"{path}: only SentencePiece models of the kind BPE can be converted.")
    if [piece.piece for piece in pieces[:3]] != [UNKNOWN, BOS, EOS]:
        raise WeightsError(
            f"{path}: the first pieces must be {UNKNOWN}, {BOS} and {EOS}, as in InternLM2."
        )
    spec = model.normalizer_spec
    if model.trainer_spec.treat_whitespace_as_suffix or not spec.escape_whitespaces:
        raise WeightsError(f"{path}: it treats spaces in a way that cannot be converted.")
    return model


def merges_of(scores: Mapping[str, float]) -> list[tuple[str, str]]:
    """What may be joined, best first: every way to make a piece from two others.

    SentencePiece joins whichever neighbours make the piece of the highest score; a list of pairs in
    the order of their piece's score does the same.
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
    """Control pieces and added tokens, which are found in text before anything is joined."""
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
            f" ({wrong[0]}). Download the tokenizer's files again, all of one release."
        )


def _added_tokens(folder: Path, pieces: list[str]) -> dict[int, tuple[str, bool]]:
    """id -> token, and whether it is special; from both files, which must agree."""
    added: dict[int, tuple[str, bool]] = {}
    for id, piece in enumerate(pieces):
        if piece in SPARE:
            added[id] = (SPARE[piece], True)
    path = folder / ADDED_FILE
    if path.is_file():
        given = read_json(path, "a list of tokens")
        for token in given.values:
            added[given.integer(token, 0, 1 << 20)] = (token, True)
    path = folder / CONFIG_FILE
    config = read_json(path, "a tokenizer's config")
    if "added_tokens_decoder" in config:
        decoder = config.section("added_tokens_decoder")
        for written in decoder.values:
            entry = decoder.section(written)
            content, special = entry.text("content"), entry.boolean("special", True)
            if not written.isdecimal():
                raise decoder.wrong(written, "under a whole number, its id")
            id = int(written)
            if id in added and added[id][0] not in (content, *SPARE.values()):
                raise WeightsError(
                    f"{path}: the token {id} is {content} here and {added[id][0]} in"
                    f" {ADDED_FILE}. Download both again, of one release."
                )
            added[id] = (content, special)
    return {id: added[id] for id in sorted(added) if id > 2}


def _adds_bos(folder: Path) -> bool:
    return read_json(folder / CONFIG_FILE, "a tokenizer's config").boolean("add_bos_token", True)
