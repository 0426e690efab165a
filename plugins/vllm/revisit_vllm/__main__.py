"""Prints the chat template of a model: `python -m revisit_vllm FOLDER > template.jinja`."""

import sys

from revisit_vllm.template import chat_template
from vlm.processor import PVCProcessor

if len(sys.argv) != 2:
    sys.exit("usage: python -m revisit_vllm FOLDER > template.jinja")
try:
    sys.stdout.write(chat_template(PVCProcessor.from_pretrained(sys.argv[1])))
except (OSError, ValueError) as error:
    sys.exit(f"{sys.argv[1]}: {error}")
