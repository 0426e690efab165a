"""VQA accuracy over ten human answers, the metric of TextVQA, with EvalAI's answer processor.

The score is the mean of min(1, agreeing people / 3) over all subsets that leave out one person.
Processing removes case, most punctuation and articles; number words become digits and "none"
becomes "0". The processors of EvalAI (lmms-eval, PVC) and VLMEvalKit differ in points after digits,
possessives and commas.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from evaluation.answers.short import first_sentence, is_doubtful, short_answer

MARKS = ';/[]"{}()=+\\_-><@`,?!'
_split = str.split
DIGITS = _split("zero one two three four five six seven eight nine ten")
NUMBERS = {word: str(value) for value, word in enumerate(DIGITS)}
NUMBERS["none"] = "0"
ARTICLES = ("a", "an", "the")
CONTAINING_WORDS = 25  # a longer sentence may list everything that is written in a picture

# Contractions that the processor restores: a word that lacks one apostrophe of a form becomes the
# form.
CONTRACTED = _split("""
ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't
haven't he'd he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've
might've mustn't must've needn't not've o'clock oughtn't 'ow's'at shan't she'd've should've
shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd someone'd've someone'll
someone's something'd something'd've something'll that's there'd there'd've there're there's
they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's
what've when's where'd where's where've who'd who'd've who'll who's who've why'll why're why's
won't would've wouldn't wouldn't've y'all y'all'll y'all'd've you'd you'd've you'll you're you've
""")


def _repairs() -> Iterator[tuple[str, str]]:
    for form in CONTRACTED:
        for position, letter in enumerate(form):
            if letter == "'":
                yield form[:position] + form[position + 1 :], form
    yield "somebody'd", "somebodyd"  # reversed in the list that all implementations copy


REPAIRS = dict(_repairs())


def evalai(text: str) -> str:
    """Processes an answer as EvalAI does."""
    text = text.lower().replace(",", "").replace("?", "").replace("'s", " 's").strip()
    text = text.replace("\n", " ").replace("\t", " ").strip()
    return _words(strip_punctuation(text, r"\.(?!\d)"))


def vlmevalkit(text: str) -> str:
    """Processes an answer as VLMEvalKit does."""
    text = text.replace("\n", " ").replace("\t", " ").strip()
    return _words(strip_punctuation(text, r"(?<!\d)\.(?!\d)"))


def vqa_accuracy(
    answer: str, targets: Sequence[str], prepare: Callable[[str], str] = evalai
) -> float:
    """Returns 0 to 1. `targets` holds the answer of every person, with repetitions."""
    prepared = prepare(answer)
    agreeing = [prepare(target) == prepared for target in targets]
    if not agreeing:
        raise ValueError("VQA accuracy needs at least one human answer.")
    return sum(min(1.0, (sum(agreeing) - own) / 3) for own in agreeing) / len(agreeing)


def vqa_accuracy_clean(answer: str, targets: Sequence[str]) -> float:
    """Returns 0 to 1 for an answer that may be a sentence; no published result uses this rule.

    The best of three: the whole answer, its quoted or stated words, and, unless the first sentence
    denies or names alternatives, all people whose answer it contains as words.
    """
    score = max(vqa_accuracy(answer, targets), vqa_accuracy(short_answer(answer), targets))
    sentence = f" {evalai(first_sentence(answer))} "
    prepared = [evalai(target) for target in targets]
    if is_doubtful(answer) or len(sentence.split()) > CONTAINING_WORDS:
        return score
    contained = {one for one in prepared if one and f" {one} " in sentence}
    longest = [one for one in contained if not any(one != o and one in o for o in contained)]
    return max([score, *(vqa_accuracy(one, prepared) for one in longest)])


def strip_punctuation(text: str, full_stop: str, thousands: str = r"\d,+\d") -> str:
    """Removes a mark where a space is beside one of its kind; else replaces it by a space.

    In a text with a comma inside a number (the pattern `thousands`) all marks are removed. Then
    matches of `full_stop` go.
    """
    has_thousands = re.search(thousands, text) is not None
    bare = text
    for mark in MARKS:
        alone = mark + " " in text or " " + mark in text
        bare = bare.replace(mark, "" if alone or has_thousands else " ")
    # 32: the published code passes a flag as the wrong parameter, which limits the count.
    return re.sub(full_stop, "", bare, count=32)


def _words(text: str) -> str:
    words = (NUMBERS.get(word, word) for word in text.lower().split())
    return " ".join(REPAIRS.get(word, word) for word in words if word not in ARTICLES)
