"""Experts in words: pictures and videos with the lines that a language model reads beside them.

A picture's experts look once, however often the tower looks: its lines read on from look to look.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from vlm.config import EXPERTS, PromptConfig
from vlm.conversation import Image, Video
from vlm.experts.classifier import Classifier, base_classifier, classifier_of
from vlm.experts.detection.detector import WEIGHTS, load_detector
from vlm.experts.drawing.drawings import drawings
from vlm.experts.experts import Experts
from vlm.experts.film import film_words
from vlm.experts.findings import Findings
from vlm.experts.kept_features import KeptFeatures
from vlm.experts.reading.reader import Reader, ReaderMissingError
from vlm.experts.words import of_still, still_looks
from vlm.model import PVCForConditionalGeneration
from vlm.presets import preset_config
from vlm.processor import PVCProcessor

# The short side of decoded frames that the detector and the reader need, in pixels.
SHORT_SIDE = 448


@dataclass(frozen=True, eq=False)
class Described:
    """A picture or a video with its words, and the findings that they tell."""

    part: Image | Video
    findings: tuple[Findings, ...]


class ExpertWords:
    """Lets the experts look at pictures and videos."""

    def __init__(self, experts: Experts, prompt: PromptConfig, names: Sequence[str]) -> None:
        self.experts = experts
        self.prompt = prompt
        # Decides the words of given pixels: part of the key under which they are cached.
        self.key = repr((tuple(names), prompt.words_per_look, prompt.words_per_frame))

    @property
    def kept(self) -> KeptFeatures | None:
        """What the classifier keeps for the tower, if it is one with the tower's backbone."""
        classifier = self.experts.classifier
        return classifier.kept if isinstance(classifier, Classifier) else None

    def __call__(self, part: Image | Video) -> Described:
        """Returns the part with its words, one line for each look or frame."""
        if isinstance(part, Video):
            findings = self.experts(torch.tensor(part.frames))
            words = film_words(findings, self.prompt.words_per_frame)
            return Described(replace(part, words=words), tuple(findings))
        findings = [of_still(found) for found in self.experts(torch.tensor(part.pixels)[None])]
        looks = self.prompt.looks if part.looks is None else part.looks
        words = tuple(still_looks(findings[0], looks, self.prompt.words_per_look))
        return Described(replace(part, words=words), tuple(findings))


def default_experts(prompt: PromptConfig) -> tuple[str, ...]:
    """Returns those the model was trained with; shapes stand in the same words as things."""
    beside = ("shapes",) if "things" in prompt.experts else ()
    return tuple(dict.fromkeys((*prompt.experts, *beside)))


def expert_words(
    model: PVCForConditionalGeneration,
    processor: PVCProcessor,
    names: Sequence[str] | None = None,
    announce: Callable[[str], None] = lambda sentence: None,
) -> ExpertWords | None:
    """Returns the experts of a model, or those named; None if there are none.

    `announce` gets a sentence if an expert is missing.
    """
    prompt = processor.prompt_config
    chosen = default_experts(prompt) if names is None else names
    classifier = classifier_of(model, processor) if "kinds" in chosen else None
    return _chosen_experts(chosen, classifier, prompt, announce)


def shipped_experts(names: Sequence[str]) -> ExpertWords:
    """Returns the named experts of the embedded model, without the model.

    Raises ValueError if none is named or one is unknown or missing.
    """

    def refuse(sentence: str) -> None:
        raise ValueError(sentence)

    prompt = PromptConfig(**preset_config("embedded").prompt | {"experts": tuple(names)})
    words = _chosen_experts(names, base_classifier() if "kinds" in names else None, prompt, refuse)
    if words is None:
        raise ValueError(f"no expert was named; there are {', '.join(EXPERTS)}")
    return words


def _chosen_experts(
    names: Sequence[str],
    classifier: Classifier | None,
    prompt: PromptConfig,
    announce: Callable[[str], None],
) -> ExpertWords | None:
    chosen = [name for name in names if name != "kinds" or classifier is not None]
    if len(chosen) < len(names):
        announce("Kinds are not named: this model's tower is no classifier of ImageNet.")
    reader = None
    if "text" in chosen:
        try:
            reader = Reader()
        except ReaderMissingError as error:
            announce(str(error))
            chosen.remove("text")
    if not chosen:
        return None
    detector = load_detector(WEIGHTS) if "things" in chosen else None
    shapes = drawings if "shapes" in chosen else None
    return ExpertWords(Experts(detector, reader, classifier, shapes), prompt, chosen)
