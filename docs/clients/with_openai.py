"""Asks a running server with the `openai` package: text, streams, a film, files, typed answers.

python with_openai.py http://127.0.0.1:8000/v1 clip.mp4 photo.jpg
"""

import base64
import os
import sys
from pathlib import Path
from typing import Any, Literal

import openai
from pydantic import BaseModel


class Color(BaseModel):
    color: Literal["blue", "green", "red"]


address, film, photo = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
client = openai.OpenAI(base_url=address, api_key=os.environ.get("REVISIT_API_KEY", "none"))
model = client.models.list().data[0].id
data_url = "data:video/mp4;base64," + base64.b64encode(film.read_bytes()).decode()
picture = "data:image/jpeg;base64," + base64.b64encode(photo.read_bytes()).decode()


def ask(content: Any, **options: Any) -> Any:
    messages: Any = [{"role": "user", "content": content}]
    options = {"max_completion_tokens": 24, "temperature": 0, **options}
    return client.chat.completions.create(model=model, messages=messages, **options)


# Text, whole and streamed: the same words.
whole = ask("Name three colors.")
chunks = list(ask("Name three colors.", stream=True, stream_options={"include_usage": True}))
streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
assert streamed == whole.choices[0].message.content, (streamed, whole)
assert chunks[-1].usage == whole.usage or chunks[-1].usage.prompt_tokens_details.cached_tokens
print("text:", streamed)

# A film within the question, streamed: the last chunk of text tells which frames were seen.
parts = [
    {"type": "video_url", "video_url": {"url": data_url}, "num_frames": 4},
    {"type": "text", "text": "What happens?"},
]
chunks = list(ask(parts, stream=True))
assert len(chunks[-1].seen[0]["times"]) == 4
print("film:", "".join(chunk.choices[0].delta.content or "" for chunk in chunks))

# A film uploaded once, and a picture.
stored = client.files.create(file=film, purpose="user_data")
found = ask([{"type": "file", "file": {"file_id": stored.id}}, parts[1]], stream=False)
assert found.seen[0]["kind"] == "video"
print("film by its id:", found.choices[0].message.content)
found = ask([{"type": "image_url", "image_url": {"url": picture}}, {"type": "text", "text": "?"}])
assert found.seen[0]["kind"] == "image"
print("picture:", found.choices[0].message.content)

# A kept conversation: the second question sends no film, and reads nothing again.
file = {"type": "input_file", "file_id": stored.id}
first = client.responses.create(
    model=model,
    input=[{"role": "user", "content": [file, {"type": "input_text", "text": "What moves?"}]}],
    max_output_tokens=16,
)
second = client.responses.create(
    model=model, input="Which color?", previous_response_id=first.id, max_output_tokens=16
)
assert second.usage is not None
assert second.usage.input_tokens_details.cached_tokens > 0
print("follow-up:", second.output_text)
with client.responses.stream(model=model, input="Say yes.", max_output_tokens=8) as events:
    kinds = [event.type for event in events]
assert kinds[0] == "response.created"
assert kinds[-1] in ("response.completed", "response.incomplete"), kinds
client.files.delete(stored.id)

# JSON of a schema.
typed = client.chat.completions.parse(
    model=model,
    messages=[{"role": "user", "content": "Which color is the sky?"}],
    response_format=Color,
)
print("typed:", typed.choices[0].message.parsed)
assert isinstance(typed.choices[0].message.parsed, Color)

# What the server lacks is refused by name.
refusal = ""
try:
    ask("Hello", tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}])
except openai.BadRequestError as error:
    refusal = error.message
assert "tools" in refusal
print("tools:", refusal)
