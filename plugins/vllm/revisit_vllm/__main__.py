"""Prints the chat template of a model: `python -m revisit_vllm FOLDER > template.jinja`.

The command that serves it follows on standard error.
"""

import json
import shlex
import sys

from revisit_vllm import ARCHITECTURE
from revisit_vllm.template import chat_template
from vlm.config import PVCConfig
from vlm.processor import PVCProcessor


def command(folder: str) -> str:
    """Returns the command for vLLM. Frames are decoded as our own programs decode them."""
    config = PVCConfig.from_pretrained(folder)
    frames = {
        "num_frames": config.prompt_config.default_frames,
        "short_side": config.image_size,
    }
    options = ["vllm", "serve", folder, "--chat-template", "template.jinja"]
    options += ["--media-io-kwargs", json.dumps({"video": frames})]
    if not config.architectures:
        options += ["--hf-overrides", json.dumps({"architectures": [ARCHITECTURE]})]
    return shlex.join(options)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m revisit_vllm FOLDER > template.jinja")
    try:
        sys.stdout.write(chat_template(PVCProcessor.from_pretrained(sys.argv[1])))
        sys.stderr.write(command(sys.argv[1]) + "\n")
    except (OSError, ValueError) as error:
        sys.exit(f"{sys.argv[1]}: {error}")
