"""Writes a model's prompt template as Jinja, in which vLLM puts pictures and videos in order.

vLLM reads special tokens in typed text too. So that no text becomes a placeholder or ends a turn,
the template writes those that a message contains with a space: `< img>`.
"""

import json

from revisit_vllm.prompt import placeholders
from vlm.processor import PVCProcessor
from vlm.prompt.safe_tokenizer import special_ids

TYPED = """\
{%- macro typed(text) -%}
{%- set found = namespace(text=text) -%}
{%- for mark, plain in MARKS -%}
{%- set found.text = found.text | replace(mark, plain) -%}
{%- endfor -%}
{{- found.text -}}
{%- endmacro -%}
"""
CONTENT = """\
{%- if message['content'] is string -%}
{{- typed(message['content']) -}}
{%- else -%}
{%- for part in message['content'] -%}
{%- if part['type'] == 'image' -%} IMAGE
{%- elif part['type'] == 'video' -%} VIDEO
{%- else -%}
{{- typed(part['text']) -}}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
"""


def chat_template(processor: PVCProcessor) -> str:
    """Returns the template. Raises ValueError if it puts the system text into the question."""
    writer, template = processor.writer, processor.writer.template
    if template.folded:
        raise ValueError("this model has no system turn, which vLLM's template would need.")
    image, video = placeholders(processor)
    marks = [[mark, f"{mark[:1]} {mark[1:]}"] for mark in _marks(processor)]
    lines = [TYPED.replace("MARKS", json.dumps(marks)), _literal(template.start)]
    if writer.system is not None:
        default = template.open("system") + writer.system + template.close("system")
        first = _literal(default + template.between)
        lines.append("{%- if messages[0]['role'] != 'system' -%}" + first + "{%- endif -%}")
    lines += ["{%- for message in messages -%}", "{%- if not loop.first -%}"]
    lines += [_literal(template.between), "{%- endif -%}"]
    content = CONTENT.replace(" IMAGE", _literal(image)).replace(" VIDEO", _literal(video))
    for role in ("system", "user", "assistant"):
        lead = template.lead if role == "assistant" else ""
        lines.append(
            "{%- if message['role'] == '" + role + "' -%}" + _literal(template.open(role) + lead)
        )
        lines.append(content + _literal(template.close(role)) + "{%- endif -%}")
    lines += ["{%- endfor -%}", "{%- if add_generation_prompt -%}"]
    lines += [_literal(template.between + template.open("assistant") + template.answer)]
    return "".join([*lines, "{%- endif -%}"])


def _marks(processor: PVCProcessor) -> list[str]:
    """Returns the special tokens, the longest first: one may begin like another."""
    tokenizer = processor.tokenizer
    marks = tokenizer.convert_ids_to_tokens(sorted(special_ids(tokenizer)))
    return sorted((mark for mark in marks if len(mark) > 1), key=len, reverse=True)


def _literal(text: str) -> str:
    return "{{- " + json.dumps(text) + " -}}" if text else ""
