"""README.md of a model folder, for the Hub and for people: what the model is and how to use it."""

from collections.abc import Mapping

CARD = """\
---
library_name: transformers
pipeline_tag: image-text-to-text
tags: [video, pvc]
---

# {name}

A video-language model of the PVC family (progressive visual token compression, arXiv 2412.09613),
{made}.

| | |
|---|---|
{facts}
{details}
## Use

From the root of the Revisit repository, in the browser or in the terminal:

```
python -m app chat --model THIS_FOLDER
python -m app ask --model THIS_FOLDER clip.mp4 "What happens?"
```

The same from Python:

```python
from pathlib import Path

from vlm.assistant import Assistant, State, TextDelta

assistant = Assistant.load("THIS_FOLDER")
for event in assistant.reply(State(), "What happens?", [Path("clip.mp4")]):
    if isinstance(event, TextDelta):
        print(event.piece, end="", flush=True)
assistant.close()
```

After `from vlm import PVCForConditionalGeneration`, the folder also loads with
`AutoProcessor.from_pretrained` and `AutoModelForImageTextToText.from_pretrained` of transformers.

## Limits

{limits}
"""


def model_card(
    name: str, made: str, facts: Mapping[str, str], limits: str, details: str = ""
) -> str:
    """Returns the card; `facts` become a table, `details` is Markdown below it."""
    rows = "\n".join(f"| {fact} | {value} |" for fact, value in facts.items())
    details = f"\n{details}\n" if details else ""
    return CARD.format(name=name, made=made, facts=rows, details=details, limits=limits)
