"""Conversations as values."""

import numpy as np
import pytest

from vlm.conversation import Conversation, Image, Message, Text, from_messages

PIXELS = np.zeros((4, 4, 3), np.uint8)


def test_the_common_message_form_becomes_a_conversation() -> None:
    conversation = from_messages(
        [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [{"type": "image", "image": "a.png"}, {"type": "text", "text": "What?"}],
            },
            {"role": "assistant", "content": [{"type": "text", "text": "A bus."}]},
        ],
        lambda part: Image(PIXELS) if part["image"] == "a.png" else pytest.fail("another file"),
    )
    system, question, answer = conversation.messages
    assert system is conversation.system
    assert [type(part) for part in question.parts] == [Image, Text]
    assert answer.parts == (Text("A bus."),)


def test_an_unknown_kind_of_part_is_named() -> None:
    with pytest.raises(ValueError, match="'audio'; known are text, image and video"):
        from_messages(
            [{"role": "user", "content": [{"type": "audio"}]}], lambda part: Image(PIXELS)
        )


def test_an_unknown_role_is_named() -> None:
    with pytest.raises(ValueError, match="role 'tool'"):
        Message("tool", (Text("x"),))  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ["system", "assistant"])
def test_only_the_user_may_add_pictures(role: str) -> None:
    with pytest.raises(ValueError, match="pictures belong to the user"):
        Message(role, (Image(PIXELS),))  # type: ignore[arg-type]


def test_user_and_assistant_alternate() -> None:
    question = Message("user", (Text("a"),))
    with pytest.raises(ValueError, match="message 2 comes from the user.*the assistant is next"):
        Conversation((question, question))
    with pytest.raises(ValueError, match="message 2 comes from the system"):
        Conversation((Message("system", ()), Message("system", ())))
