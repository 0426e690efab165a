"""Converts a tokenizer's chat template, a Jinja program, into a `Template`, which is data.

The program runs on sentinel words only, never on typed text: rendered with typed text, its output
would have to be tokenized with special tokens enabled, and "<|im_end|>" in a question would end the
question. It runs a few times, in transformers' sandbox; the literals around the sentinels are the
template. Then both are compared on conversations of every form that occurs, and if they differ the
template is not used.

This happens once, when a model is assembled: a template that does not work is refused then, not in
the middle of a chat, and a follow-up question cannot change the ids of earlier turns.
"""

from collections.abc import Callable, Sequence

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from vlm.prompt.template import Template

Messages = Sequence[tuple[str, str]]
Render = Callable[[Messages, bool], str]  # messages, add_generation_prompt

# What a template raises if it fails on a message, or refuses a role.
FAILURES = (TemplateError, TypeError, ValueError, KeyError, AttributeError, IndexError)
# Words that no template can mistake for anything else, or trim.
SYSTEM, Q1, A1, Q2, A2, Q3 = (f"qzk{name}zkq" for name in ("sys", "qa", "aa", "qb", "ab", "qc"))
TURNS = (("user", Q1), ("assistant", A1), ("user", Q2), ("assistant", A2), ("user", Q3))


class NoTemplate(ValueError):  # noqa: N818 - not an error: a default template is used
    """The reason why a tokenizer's own template cannot be used, as the end of a sentence."""


def read_chat_template(
    tokenizer: PreTrainedTokenizerBase, as_parts: bool = False
) -> tuple[Template, str]:
    """Returns the tokenizer's template as data, and a remark for the user or "".

    `as_parts`: the content of a message is a list of parts, as templates of vision-language models
    expect it, not a text. Raises NoTemplate if it is missing or cannot be expressed as data.
    """
    render = _renderer(tokenizer, as_parts)
    if not tokenizer.chat_template:
        raise NoTemplate("the tokenizer comes without a chat template")
    start, to_answer, to_question, to_answer_again, to_question_again, ending = _around(
        render, TURNS, True
    )
    if (to_answer, to_question) != (to_answer_again, to_question_again):
        raise NoTemplate("its turns differ by position")
    closing = _until_special(to_question, tokenizer)
    rest = to_question.removeprefix(closing)
    between = rest[: len(rest) - len(rest.lstrip())]
    user = rest.removeprefix(between)
    answer, lead = ending.removeprefix(to_answer), to_answer.removeprefix(ending)
    if not (ending.startswith(to_answer) or (to_answer.startswith(ending) and not lead.strip())):
        raise NoTemplate("it requests an answer in another form than it shows one")
    answer, lead = (answer, "") if ending.startswith(to_answer) else ("", lead)
    opened = to_answer.removesuffix(lead) if lead else to_answer
    if opened.startswith(closing + between):
        user_closing = closing
    elif opened.startswith(between):
        user_closing = ""
    else:
        raise NoTemplate("its turns are separated in more than one way")
    openings = {"user": user, "assistant": opened.removeprefix(user_closing + between)}
    closings = {"user": user_closing}
    if not start.endswith(user):
        raise NoTemplate("its first turn opens differently from the next")
    template = Template(
        start.removesuffix(user) if user else start,
        "",
        closing,
        between,
        answer=answer,
        lead=lead,
        openings=openings,
        closings=closings,
    )
    template, remark = _with_system(template, start, tokenizer, render)
    _compare(template, render, with_system=not remark)
    if as_parts:
        template = _with_image(template, tokenizer)
    return template, remark


def _with_image(template: Template, tokenizer: PreTrainedTokenizerBase) -> Template:
    """Finds out whether an opening that ends in a space keeps it before a picture."""
    opening = template.open("user")
    if not opening.endswith(" "):
        return template
    content = [{"type": "image"}, {"type": "text", "text": Q1}]
    try:
        text = tokenizer.apply_chat_template([{"role": "user", "content": content}], tokenize=False)
    except FAILURES as error:
        raise NoTemplate(f"it refuses a picture ({error})") from error
    assert isinstance(text, str)
    kept = text.partition(Q1)[0].startswith(template.start + opening)
    return Template.from_dict({**template.to_dict(), "space_before_image": kept})


def _with_system(
    template: Template, start: str, tokenizer: PreTrainedTokenizerBase, render: Render
) -> tuple[Template, str]:
    """Adds the system turn: one of its own, one with a default, or one in the first user turn."""
    user = template.open("user")
    try:
        before, after = _around(render, (("system", SYSTEM), *TURNS), True)[:2]
    except NoTemplate:
        folded = _with(template, "", "\n\n", folded=True)
        return folded, "it has no system turn: a system text is put in front of the first question"
    begins = template.start
    if before.startswith(start):  # inside the user turn: "<start_of_turn>user\n{system}\n\n{text}"
        return _with(template, before.removeprefix(start), after, folded=True), ""
    if not after.endswith(template.between + user):
        raise NoTemplate("it merges the system text and the first question")
    closing = after.removesuffix(template.between + user) if template.between + user else after
    if before.startswith(begins):
        return _with(template, before.removeprefix(begins), closing), ""
    if start.startswith(before) and start.endswith(after) and len(start) >= len(before + after):
        default = start[len(before) : len(start) - len(after)]
        bos = str(tokenizer.bos_token or "")
        begins = bos if bos and before.startswith(bos) else ""
        return _with(
            template, before.removeprefix(begins), closing, start=begins, system=default
        ), ""
    raise NoTemplate("it begins differently with a system text than without one")


def _with(template: Template, opening: str, closing: str, **changes: object) -> Template:
    values = template.to_dict() | changes
    values["openings"] = {**template.openings, "system": opening}
    values["closings"] = {**template.closings, "system": closing}
    return Template.from_dict(values)


def _compare(template: Template, render: Render, with_system: bool) -> None:
    """Raises NoTemplate unless both render every form of conversation equally."""
    beginnings: list[Messages] = [()]
    if with_system:
        beginnings.append((("system", SYSTEM),))
    for beginning in beginnings:
        for length in (1, 3, 5):
            messages = (*beginning, *TURNS[:length])
            if template.text(messages, True) != render(messages, True):
                raise NoTemplate("its output is not a fixed frame around the words")
        for length in (2, 4):
            messages = (*beginning, *TURNS[:length])
            # What may follow the end of an answer (a newline, an end of text) is not learned.
            if not render(messages, False).startswith(template.text(messages, False)):
                raise NoTemplate("it shows an answer in another form than it requests one")


def _around(render: Render, messages: Messages, add_generation_prompt: bool) -> tuple[str, ...]:
    """Returns the literals before, between and after the words."""
    rest, literals = render(messages, add_generation_prompt), []
    for _, words in messages:
        literal, found, rest = rest.partition(words)
        if not found or words in rest:
            raise NoTemplate("it does not write each message once and in order")
        literals.append(literal)
    return (*literals, rest)


def _renderer(tokenizer: PreTrainedTokenizerBase, as_parts: bool) -> Render:
    """Returns a function that renders sentinel words in transformers' sandbox.

    Turns thinking off if there is a switch, and replaces today's date by a fixed one.
    """

    def render(messages: Messages, add_generation_prompt: bool) -> str:
        turns = [
            {"role": role, "content": [{"type": "text", "text": words}] if as_parts else words}
            for role, words in messages
        ]
        try:
            text = tokenizer.apply_chat_template(
                turns,
                tokenize=False,
                add_generation_prompt=add_generation_prompt,
                enable_thinking=False,
                date_string="26 Jul 2024",
            )
        except FAILURES as error:
            raise NoTemplate(f"it refuses ({error})") from error
        assert isinstance(text, str)
        return text

    return render


def _until_special(to_question: str, tokenizer: PreTrainedTokenizerBase) -> str:
    """Returns the literal that closes an answer, up to its first special token."""
    marks = {*tokenizer.all_special_tokens, *map(str, tokenizer.added_tokens_decoder.values())}
    ends = [
        (start, -len(mark)) for mark in marks if mark and (start := to_question.find(mark)) >= 0
    ]
    if not ends:
        raise NoTemplate("no special token ends its answers")
    start, length = min(ends)
    return to_question[: start - length]
