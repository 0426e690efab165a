"""A command answers --help and a wrong option at once."""

import subprocess
import sys

COMMANDS = (
    *("app", "data", "evaluation", "training.claim", "training.encoders"),
    *("vlm.assemble", "vlm.weights"),
)


def test_no_command_imports_torch_before_its_arguments_are_read() -> None:
    names = ", ".join(f"{command}.__main__" for command in COMMANDS)
    code = (
        f"import sys, {names}\n"
        "heavy = {'torch', 'gradio', 'transformers', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
