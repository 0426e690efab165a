"""Checks whether tuning on pictures has cost the language model its chat.

    python -m evaluation.embedded.chat_check

Prints two measures on text alone, for the base model and ours: the perplexity of the base's own
answers to held-out prompts (the base cannot be beaten here; the aim is to come close), and a quiz
of short facts, answered greedily by both.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from data.embedded.facts import QUIZ
from data.embedded.folder import DEFAULT_FOLDER
from data.records import read_records
from vlm.conversation import Conversation, Message, Text
from vlm.ending import end, sentence
from vlm.loading import load_folder
from vlm.model import PVCForConditionalGeneration
from vlm.processor import PVCProcessor
from vlm.weights.base_models import smollm2

QUIZ_TOKENS = 30  # the longest answer


def chat_table(
    model: PVCForConditionalGeneration, processor: PVCProcessor, data: Path
) -> list[str]:
    """Returns lines of Markdown: both measures for both models."""
    base = AutoModelForCausalLM.from_pretrained(smollm2(), dtype=model.dtype).eval()
    held = [
        Conversation(
            tuple(Message(m.role, (Text(m.text),)) for m in record.messages)  # type: ignore[arg-type]
        )
        for record in read_records(data / "chat-held.jsonl")
    ]
    lines = [
        "| on text alone | base model | ours |",
        "|---|---|---|",
    ]
    perplexity = [per_token(m, processor, held) for m in (base, model.language_model)]
    lines.append(
        f"| perplexity of the base's answers to {len(held)} held-out prompts "
        f"| {perplexity[0]:.2f} | {perplexity[1]:.2f} |"
    )
    right = [quiz(m, processor) for m in (base, model.language_model)]
    lines.append(f"| quiz of {len(QUIZ)} short facts, right | {right[0]} | {right[1]} |")
    return lines


def per_token(
    model: PreTrainedModel, processor: PVCProcessor, conversations: Sequence[Conversation]
) -> float:
    """Returns the perplexity of the assistant's turns."""
    total, count = 0.0, 0
    for conversation in conversations:
        rendered = processor.render(conversation)
        ids = torch.tensor([rendered.ids])
        labels = torch.tensor(rendered.labels)[1:]
        with torch.inference_mode():
            logits = model(input_ids=ids).logits[0, :-1].float()
        learned = labels != -100
        total += float(
            torch.nn.functional.cross_entropy(logits[learned], labels[learned], reduction="sum")
        )
        count += int(learned.sum())
    return math.exp(total / max(count, 1))


def quiz(model: PreTrainedModel, processor: PVCProcessor) -> int:
    """Returns the number of quiz answers with an accepted word."""
    right = 0
    for question, accepted in QUIZ:
        conversation = Conversation((Message("user", (Text(question),)),))
        ids = torch.tensor([processor.render(conversation, add_generation_prompt=True).ids])
        with torch.inference_mode():
            out = model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                do_sample=False,
                max_new_tokens=QUIZ_TOKENS,
                eos_token_id=processor.writer.end_of_turn,
                pad_token_id=processor.tokenizer.pad_token_id,
            )
        right += knows(processor.tokenizer.decode(out[0, ids.shape[1] :]), accepted)
    return right


def knows(answer: str, accepted: Sequence[str]) -> bool:
    """Returns whether an answer contains an accepted word."""
    return any(word in answer.lower().replace("₂", "2") for word in accepted)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.embedded.chat_check",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", default="embedded", help="embedded, or a model's folder")
    parser.add_argument(
        "--data", type=Path, default=DEFAULT_FOLDER, help="made by python -m data.embedded"
    )
    arguments = parser.parse_args()
    try:
        model, processor, _ = load_folder(arguments.model, None, None)
        print("\n".join(chat_table(model.eval(), processor, arguments.data)))
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:
        sys.exit(f"python -m evaluation.embedded.chat_check: {sentence(error)}")


if __name__ == "__main__":
    end(main)
