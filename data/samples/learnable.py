"""Which records training can learn from; `data check` and the loader share the rule."""

from data.records import Record, RecordError


def blank_answers(record: Record) -> list[int]:
    """Numbers the answers, from 1, that would teach the model to say nothing."""
    answers = [message for message in record.messages if message.role == "assistant"]
    return [n for n, answer in enumerate(answers, 1) if answer.has_loss and answer.is_blank]


def has_answer_to_learn(record: Record) -> bool:
    return any(message.role == "assistant" and message.has_loss for message in record.messages)


def require_learnable(record: Record) -> None:
    """Raises RecordError if a record has a blank answer or no answer to learn."""
    blank = blank_answers(record)
    if blank:
        raise RecordError(f'record "{record.id}": {blank_sentence(blank)}')
    if not has_answer_to_learn(record):
        raise RecordError(f'record "{record.id}": {NO_ANSWER}')


def require_length(record: Record, num_tokens: int, max_length: int) -> None:
    """Raises RecordError if a record is longer than `max_length`; 0: no limit."""
    if max_length and num_tokens > max_length:
        raise RecordError(f'record "{record.id}": {long_sentence(num_tokens, max_length)}')


NO_ANSWER = "has no answer to learn: all of them are excluded from the loss."


def blank_sentence(blank: list[int]) -> str:
    which = ", ".join(map(str, blank))
    return f"has an empty answer (number {which}), which would teach the model to say nothing."


def long_sentence(num_tokens: int, max_length: int) -> str:
    return (
        f"has {num_tokens:,} tokens, more than the context of {max_length:,} (`max_length`): "
        "shorten the record, or use fewer frames, looks or tiles."
    )
