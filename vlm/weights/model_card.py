"""README.md of a model's folder, as the hub and people read it: what it is, how to use it."""

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

```
python -m app chat --model THIS_FOLDER
```

```python
from vlm.assistant import Assistant

assistant = Assistant.from_pretrained("THIS_FOLDER")
```

`import vlm`, and transformers' `AutoProcessor` and `AutoModelForImageTextToText` read it, too.

## Limits

{limits}
"""


def model_card(
    name: str, made: str, facts: Mapping[str, str], limits: str, details: str = ""
) -> str:
    """`facts` become a table; `details`, Markdown, stand below it."""
    rows = "\n".join(f"| {fact} | {told} |" for fact, told in facts.items())
    details = f"\n{details}\n" if details else ""
    return CARD.format(name=name, made=made, facts=rows, details=details, limits=limits)
