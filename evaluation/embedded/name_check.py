"""Counts how many of the classifier's thousand class names the model spells correctly.

    python -m evaluation.embedded.name_check

The classifier's result reaches the language model as embeddings of the class names; a name of
several tokens is one embedding. This check asks for every class: the model gets the logits that the
classifier would have for a photograph of the class (data/embedded/classifier.py). It is right if
after "This is" each token of the name, up to the period, is the most likely one.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from tqdm import tqdm

from data.embedded.classifier import SimulatedClassifier
from data.records import Record, RecordMessage, RecordText, SimulatedClassification
from data.samples.collate import Collator
from data.samples.dataset import RecordDataset, RejectedSample, SamplingConfig
from data.synthetic.language.imagenet_names import ImageNetClass, imagenet_classes
from data.wilson import count_by_name, format_share
from vlm.ending import end, sentence
from vlm.loading import load_folder
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor
from vlm.prompt.writer import IGNORE

QUESTION, START = "What is this?", "This is"
CONFIDENCE = 0.8  # a typical probability of the classifier for a photograph of one object
FIRST_SEED = 10**10  # no training record has these seeds
PIECES = ("one piece", "several pieces")


@dataclass(frozen=True)
class Named:
    """A class, and the most likely token at every position of its name."""

    kind: ImageNetClass
    pieces: str  # one of PIECES
    spelled: str
    right: bool


def name_check(
    model: PVCForConditionalGeneration, processor: PVCProcessor, classes: Sequence[ImageNetClass]
) -> Iterator[Named]:
    """Asks for one class after the other. Raises ValueError for a model without a classifier."""
    classifier = SimulatedClassifier.of_model(model)
    if classifier is None:
        raise ValueError(
            "this model has no classifier, so it has no class names to spell; use --model embedded"
        )
    dataset = RecordDataset(
        [_record(kind) for kind in classes], processor, classifier, SamplingConfig(looks=(1.0,))
    )
    collator, plain = Collator(processor), processor.writer.plain
    skipped = len(plain(START))
    for place, kind in enumerate(classes):
        sample = dataset[place]
        if isinstance(sample, RejectedSample):
            raise ValueError(sample.reason)
        batch = collator([sample])
        with torch.inference_mode():
            best = model(**batch).logits.argmax(dim=-1)
        labels = batch["labels"][0]
        # After "This is", up to the period; then the turn ends.
        name = slice(skipped, skipped + len(plain(f" {kind.phrase}.")))
        expected, tokens = labels[labels != IGNORE][name], best[name]
        pieces = PIECES[len(plain(" " + kind.name)) > 1]
        text = processor.tokenizer.decode(tokens).strip()
        yield Named(kind, pieces, text, bool((expected == tokens).all()))


def _record(kind: ImageNetClass) -> Record:
    picture = SimulatedClassification(kind.index, FIRST_SEED + kind.index, CONFIDENCE)
    question = RecordMessage("user", (picture, RecordText(QUESTION)))
    return Record(
        kind.name, (question, RecordMessage("assistant", (RecordText(f"{START} {kind.phrase}."),)))
    )


def table(named: Iterable[Named]) -> list[str]:
    """Returns lines of Markdown: the share spelled correctly, names of one token and of several."""
    right = count_by_name((one.pieces, one.right) for one in named)
    lines = ["| names of the classifier's classes | spelled correctly |", "|---|---|"]
    return lines + [f"| of {pieces} | {format_share(*right[pieces])} |" for pieces in right]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.embedded.name_check",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", default="embedded", help="embedded, or a model's folder")
    parser.add_argument(
        "--every", type=int, default=1, metavar="N", help="ask each Nth class only (default: 1)"
    )
    parser.add_argument("--wrong", action="store_true", help="also list misspelled names")
    arguments = parser.parse_args()
    try:
        model, processor, _ = load_folder(arguments.model, None, None)
        asked = imagenet_classes()[:: max(1, arguments.every)]
        checked = name_check(model.eval(), processor, asked)
        named = list(tqdm(checked, "names", len(asked), leave=False, unit="name"))
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:
        sys.exit(f"{parser.prog}: {sentence(error)}")
    print("\n".join(table(named)))
    if arguments.wrong:
        print("\n".join(f"{one.kind.phrase}: {one.spelled}" for one in named if not one.right))


if __name__ == "__main__":
    end(main)
