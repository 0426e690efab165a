"""How many of the classifier's thousand names are said right.

    python -m evaluation.embedded.name_check

What the classifier sees reaches the language model as words of the classes' names, a name of
several pieces as one token. Whether it can say them again is asked of every class: the model is
told what the classifier would say of a photograph that nobody has (data/embedded/classifier.py),
and is right if after "This is" each piece of the name, up to the full stop, is the likeliest next
one.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from tqdm import tqdm

from data.embedded.classifier import SimulatedClassifier
from data.records import Concept, Record, RecordMessage, RecordText
from data.samples.collate import Collator
from data.samples.dataset import RecordDataset, RejectedSample, SamplingConfig
from data.synthetic.language.imagenet_names import ImageNetClass, imagenet_classes
from data.wilson import count_by_name, format_share
from vlm.loading import load_folder
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor
from vlm.prompt.writer import IGNORE

QUESTION, START = "What is this?", "This is"
CONFIDENCE = 0.8  # about what the classifier gives a photograph of one thing
FIRST_SEED = 10**10  # of pictures that no record of training has
PIECES = ("one piece", "several pieces")


@dataclass(frozen=True)
class Named:
    """A class, and the likeliest piece at every place of its name."""

    kind: ImageNetClass
    pieces: str  # one of PIECES
    said: str
    right: bool


def name_check(
    model: PVCForConditionalGeneration, processor: PVCProcessor, classes: Sequence[ImageNetClass]
) -> Iterator[Named]:
    """Tells and asks one class after the other; ValueError for a model without a classifier."""
    classifier = SimulatedClassifier.of_model(model)
    if classifier is None:
        raise ValueError("this model is not told what a classifier sees, so it has no such names")
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
            likeliest = model(**batch).logits.argmax(dim=-1)
        labels = batch["labels"][0]
        # After "This is", up to the full stop; then the turn ends.
        name = slice(skipped, skipped + len(plain(f" {kind.phrase}.")))
        told, said = labels[labels != IGNORE][name], likeliest[name]
        pieces = PIECES[len(plain(" " + kind.name)) > 1]
        text = processor.tokenizer.decode(said).strip()
        yield Named(kind, pieces, text, bool((told == said).all()))


def _record(kind: ImageNetClass) -> Record:
    picture = Concept(kind.index, FIRST_SEED + kind.index, CONFIDENCE)
    question = RecordMessage("user", (picture, RecordText(QUESTION)))
    return Record(
        kind.name, (question, RecordMessage("assistant", (RecordText(f"{START} {kind.phrase}."),)))
    )


def table(named: Iterable[Named]) -> list[str]:
    """Lines of Markdown: the share said right, names of one piece and of several."""
    right = count_by_name((one.pieces, one.right) for one in named)
    lines = ["| the classifier's names, told and asked for | said right |", "|---|---|"]
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
    parser.add_argument("--wrong", action="store_true", help="list what was said wrong, too")
    arguments = parser.parse_args()
    try:
        model, processor, _ = load_folder(arguments.model, None, None)
        asked = imagenet_classes()[:: max(1, arguments.every)]
        checked = name_check(model.eval(), processor, asked)
        named = list(tqdm(checked, "names", len(asked), leave=False, unit="name"))
    except (ValueError, OSError) as error:
        sys.exit(f"{parser.prog}: {error}")
    print("\n".join(table(named)))
    if arguments.wrong:
        print("\n".join(f"{one.kind.phrase}: {one.said}" for one in named if not one.right))


if __name__ == "__main__":
    main()
