"""Writes a model's prompt template as Jinja, in which vLLM puts pictures and videos in order."""

import json

from revisit_vllm.prompt import placeholders
from vlm.processor import PVCProcessor

CONTENT = """\
{%- if message['content'] is string -%}
{{- message['content'] -}}
{%- else -%}
{%- for part in message['content'] -%}
{%- if part['type'] == 'image' -%} IMAGE
{%- elif part['type'] == 'video' -%} VIDEO
{%- else -%}
{{- part['text'] -}}
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
    lines = [_literal(template.start)]
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


def _literal(text: str) -> str:
    return "{{- " + json.dumps(text) + " -}}" if text else ""
