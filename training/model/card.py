"""Writes the card of a trained model: README.md for readers, card.json for the chat page."""

import json
from pathlib import Path

from training.recipe import Recipe, recipe_values
from training.watch.journal import JOURNAL, read_journal
from vlm.weights.model_card import model_card


def write_card(folder: Path, recipe: Recipe, run: Path, num_parameters: int | None = None) -> None:
    """Writes README.md and card.json into `folder`, from the recipe and the run's journal."""
    journal = run / JOURNAL
    lines = read_journal(journal) if journal.is_file() else []
    name = Path(recipe.output).name
    parameters = "" if num_parameters is None else f"{num_parameters / 1e6:,.0f} M"
    total = sum(source.weight for source in recipe.data)
    facts = {
        "started from": f"`{recipe.model}`"
        + (f", `{recipe.start_from}`" if recipe.start_from else "")
        + (f", with the encoder {recipe.encoder}" if recipe.encoder else ""),
        "trained": what_is_trained(recipe),
        "parameters": parameters or "see config.json",
        "objective": recipe.objective,
        "final loss": _last(lines, "loss"),
        "loss on held-out records": _last(lines, "held_out_loss"),
    }
    shares = "\n".join(f"- `{s.path}` {s.weight / total:.0%}" for s in recipe.data)
    samples = recipe.samples_per_process
    text = model_card(
        name,
        f"trained with Revisit: {recipe.steps:,} steps of {samples} conversations",
        facts,
        "It repeats what its training data taught it, and it can be wrong. Evaluate it before you "
        "rely on it:\n`python -m evaluation run --help`.",
        f"Training data, with its share of the run:\n\n{shares}",
    )
    values = json.dumps(recipe_values(recipe), indent=1)
    text += f"\n## The full recipe\n\n```json\n{values}\n```\n"
    (folder / "README.md").write_text(text, encoding="utf-8")
    sources = ", ".join(Path(source.path).name for source in recipe.data)
    card = {
        "name": name,
        "knows": f"what it was trained on: {sources}.",
        "limits": "It can be wrong.",
    }
    if parameters:
        card["parameters"] = parameters
    (folder / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def what_is_trained(recipe: Recipe) -> str:
    """Returns the trained parts of the model, in words."""
    words = []
    for part in ("backbone", "tower", "compressor", "language_model"):
        lora = recipe.adapters(part)
        tower = "tower" if recipe.encoder else "progressive layers"
        name = {"tower": tower, "language_model": "language model"}.get(part, part)
        if part in recipe.freeze or (part == "language_model" and recipe.objective == "words"):
            continue
        if lora is not None:
            quantized = f" on {recipe.quantize}" if part == "language_model" else ""
            words.append(f"{name} (LoRA, rank {lora.rank}{quantized if recipe.quantize else ''})")
        elif part == "language_model" and recipe.train_language_model:
            words.append(f"{name} (whole)")
        elif part in ("tower", "compressor"):
            words.append(name)
    if not words and "concepts" not in recipe.freeze:
        words.append("class word embeddings")
    return ", ".join(words)


def _last(lines: list[dict[str, float]], key: str) -> str:
    values = [line[key] for line in lines if line.get(key) is not None][-10:]
    return (
        f"{sum(values) / len(values):.3f}"
        if values and key == "loss"
        else (f"{values[-1]:.3f}" if values else "not measured")
    )
