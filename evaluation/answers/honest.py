"""Recognizes answers that admit not to know: "I can't tell from the picture."."""

import regex

_UNABLE = (
    r"can ?not|can't|could not|couldn't|unable to|not able to|impossible to|not possible to"
    r"|no way to|hard to|difficult to"
)
_SOFTLY = "really|reliably|actually|be|help"
# What one is unable to do: to perceive, to conclude, or to give.
_ACTS = (
    r"see|seen|view|read|hear|make out|recogni[sz]\w*|identif\w+|find|open|access"
    r"|tell|told|say|said|know|known|sure|judge|assess|determin\w+|understand|interpret|diagnose"
    r"|predict|check|verify|confirm|answer|give|provide|offer|share|with"
)
_STATES = "visible|readable|legible|shown|clear|stated|given|mentioned|provided"
_MORE_STATES = f"{_STATES}|printed|specified|indicated|known"  # after a bare "not"
_GIVES = (
    r"say|show|tell|provide|contain|include|specify|indicate|mention|give"
    r"|have (?:access|enough|any information)"
)
HONEST = regex.compile(
    rf"(?:{_UNABLE}) (?:(?:{_SOFTLY}) )?(?:{_ACTS})"
    rf"|(?:is|are)n't (?:{_STATES})|not (?:{_MORE_STATES})"
    rf"|(?:doesn't|does not|don't|do not|isn't|is not) (?:{_GIVES})"
    r"|don't know|do not know|not sure|unsure|unclear|unknown"
    r"|too (?:blurred|blurry|small|dark)"
    r"|no (?:information|indication|way of knowing)|not enough (?:information|detail)",
    regex.IGNORECASE,
)


def is_honest(text: str) -> bool:
    """Returns whether a plain answer (`evaluation.answers.patterns.plain`) admits not to know."""
    return HONEST.search(text) is not None
