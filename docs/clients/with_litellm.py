"""Asks a running server with LiteLLM: text, a picture and a film, whole and streamed.

LITELLM_LOCAL_MODEL_COST_MAP=True python with_litellm.py http://127.0.0.1:8000/v1 clip.mp4 photo.jpg
"""

import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

import litellm

address, film, photo = sys.argv[1:4]
film_data, photo_data = (base64.b64encode(Path(p).read_bytes()).decode() for p in (film, photo))
film_url, photo_url = f"data:video/mp4;base64,{film_data}", f"data:image/jpeg;base64,{photo_data}"


def ask(content: Any, **options: Any) -> Any:
    return litellm.completion(
        model="openai/embedded",
        api_base=address,
        api_key=os.environ.get("REVISIT_API_KEY", "none"),
        messages=[{"role": "user", "content": content}],
        num_retries=0,
        **{"temperature": 0, "max_tokens": 24, **options},
    )


question = {"type": "text", "text": "What happens?"}
contents: dict[str, Any] = {
    "text": "Name three colors.",
    "picture": [{"type": "image_url", "image_url": {"url": photo_url}}, question],
    "film": [{"type": "video_url", "video_url": {"url": film_url}, "num_frames": 4}, question],
    "film as a file": [{"type": "file", "file": {"file_data": film_url}}, question],
}
for name, content in contents.items():
    whole = ask(content).choices[0].message.content
    chunks = list(ask(content, stream=True))
    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert whole, name
    assert streamed == whole, (name, streamed, whole)
    print(f"{name}:", whole)

form = {
    "type": "json_schema",
    "json_schema": {
        "name": "Color",
        "schema": {
            "type": "object",
            "properties": {"color": {"type": "string", "enum": ["blue", "green", "red"]}},
            "required": ["color"],
            "additionalProperties": False,
        },
    },
}
typed = ask("Color of the sky?", response_format=form).choices[0].message.content
assert json.loads(typed)["color"] in ("blue", "green", "red")
print("typed:", typed)
