"""Peak memory of a training step against the length of its sequence.

Each value is measured in a separate process, because a process reports only its own peak.
"""

import argparse
import subprocess
import sys

from benchmarks.peak import peak_bytes
from vlm.ending import end

LENGTHS = (256, 1024, 2048)


def run(quick: bool = False) -> list[str]:
    """Returns a Markdown table."""
    lengths = LENGTHS[:2] if quick else LENGTHS
    rows = {
        "stored": [measured(length, False) for length in (8, *lengths)],
        "recomputed (gradient_checkpointing)": [measured(length, True) for length in (8, *lengths)],
    }
    lines = [
        "## Peak memory against length (a language model of 8 layers, 512 wide; one row, "
        "relative to a row of 8 tokens)",
        "",
        f"| activations | {' | '.join(f'{n:,} tokens' for n in lengths)} | per token |",
        "|---|" + "---:|" * (len(lengths) + 1),
    ]
    for name, (base, *peaks) in rows.items():
        above = [peak - base for peak in peaks]
        cells = " | ".join(f"{mib:.0f} MiB" for mib in above)
        per_token = (above[-1] - above[0]) / (lengths[-1] - lengths[0]) * 1024
        lines.append(f"| {name} | {cells} | {per_token:.0f} KiB |")
    return [*lines, ""]


def measured(length: int, checkpointing: bool) -> float:
    """Returns the peak in MiB of a process that trains on one row of this length."""
    command = [sys.executable, "-m", "benchmarks.training_memory", str(length)]
    if checkpointing:
        command.append("--checkpointing")
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("length", type=int)
    parser.add_argument("--checkpointing", action="store_true", help="gradient checkpointing")
    arguments = parser.parse_args()
    print(f"{train_once(arguments.length, arguments.checkpointing):.1f}")


def train_once(length: int, checkpointing: bool) -> float:
    """Trains two steps and returns the peak of the process in MiB."""
    import torch

    from training.trainer import checkpoint_activations
    from vlm.presets import build_model

    text = {
        "model_type": "llama",
        "vocab_size": 512,
        "hidden_size": 512,
        "intermediate_size": 1536,
        "num_hidden_layers": 8,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "max_position_embeddings": 8192,
        "tie_word_embeddings": True,
    }
    model = build_model("test", text_config=text).train()
    model.config.use_cache = False
    if checkpointing:
        checkpoint_activations(model)
    ids = torch.zeros(1, length, dtype=torch.long)
    labels = torch.full_like(ids, -100)
    labels[:, -4:] = 1
    for _ in range(2):
        model(input_ids=ids, labels=labels).loss.backward()
    return peak_bytes() / 2**20


if __name__ == "__main__":
    end(main)
