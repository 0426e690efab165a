"""Why a question cannot be answered, for callers that treat the reasons differently."""


class PromptTooLong(ValueError):  # noqa: N818  reads as a sentence
    """The conversation and its files exceed the context even when reduced."""


class NotEnoughMemory(ValueError):  # noqa: N818  reads as a sentence
    """The device has no memory for this question at the moment."""
