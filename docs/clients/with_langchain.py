"""Asks a running server with LangChain's ChatOpenAI: text, streams, a film, a typed answer.

python with_langchain.py http://127.0.0.1:8000/v1 clip.mp4 photo.jpg
"""

import base64
import os
import sys
from pathlib import Path
from typing import Any, Literal

from langchain_core.messages import AIMessage, HumanMessage
from langchain_openai import ChatOpenAI
from pydantic import BaseModel


class Color(BaseModel):
    color: Literal["blue", "green", "red"]


address, film, photo = sys.argv[1:4]
film_data, photo_data = (base64.b64encode(Path(p).read_bytes()).decode() for p in (film, photo))
key: Any = os.environ.get("REVISIT_API_KEY", "none")
model = ChatOpenAI(
    model="embedded", base_url=address, api_key=key, temperature=0, max_tokens=24, max_retries=0
)

whole = model.invoke("Name three colors.")
streamed = "".join(str(chunk.content) for chunk in model.stream("Name three colors."))
assert streamed == whole.content, (streamed, whole)
print("text:", streamed)

# LangChain has no block for a film in OpenAI's API: `file` takes it, as does OpenAI's own spelling.
question = {"type": "text", "text": "What happens?"}
spellings: dict[str, dict[str, Any]] = {
    "file block": {
        "type": "file",
        "base64": film_data,
        "mime_type": "video/mp4",
        "filename": "clip.mp4",
    },
    "video_url": {
        "type": "video_url",
        "video_url": {"url": f"data:video/mp4;base64,{film_data}"},
        "num_frames": 4,
    },
    "image block": {"type": "image", "base64": photo_data, "mime_type": "image/jpeg"},
}
for name, block in spellings.items():
    answer = model.invoke([HumanMessage([block, question])])
    assert answer.text
    print(f"{name}:", answer.text)

# A second turn: all messages are sent again, and what is known of them is not computed again.
messages = [HumanMessage([spellings["video_url"], question]), AIMessage(answer.text)]
again = model.invoke([*messages, HumanMessage("Which color?")])
assert again.usage_metadata is not None
assert again.usage_metadata["input_token_details"]["cache_read"] > 0
print("follow-up:", again.text)

structured = ChatOpenAI(model="embedded", base_url=address, api_key=key, temperature=0)
color = structured.with_structured_output(Color, method="json_schema").invoke("Color of the sky?")
assert isinstance(color, Color)
print("typed:", color)

kept = ChatOpenAI(model="embedded", base_url=address, api_key=key, use_responses_api=True)
print("Responses:", kept.bind(max_output_tokens=16).invoke("Say yes.").text)
