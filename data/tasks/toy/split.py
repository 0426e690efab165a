"""Which films of a toy set are those of the test: every fifth."""

EVERY = 5


def is_test(number: int) -> bool:
    return number % EVERY == EVERY - 1
