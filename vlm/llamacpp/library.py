"""The library llama.cpp through the low-level API of llama-cpp-python, or one sentence without it.

llama-cpp-python is built from source where no wheel fits; docs/models.md has the options.
"""

import functools
import logging
from importlib.util import find_spec
from typing import Any

PIP = "pip install llama-cpp-python"
PACKAGE = "llama_cpp"


def is_installed() -> bool:
    """Returns whether the package is here. Does not import it."""
    return find_spec(PACKAGE) is not None


@functools.cache
def library() -> Any:
    """Returns the module `llama_cpp.llama_cpp`, ready for use. Raises ValueError without it."""
    if not is_installed():
        raise ValueError(
            "--engine llama.cpp needs the package llama-cpp-python, which is built from source in"
            f" some minutes: {PIP}"
        )
    try:
        from llama_cpp import llama_cpp
    except (ImportError, OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"llama-cpp-python cannot be loaded here ({reason}); build it again: {PIP}"
            " --force-reinstall --no-cache-dir --no-binary llama-cpp-python"
        ) from error
    # It logs every step otherwise; llama.cpp's warnings are errors in its numbering of levels.
    logging.getLogger("llama-cpp-python").setLevel(logging.CRITICAL)
    llama_cpp.llama_backend_init()
    return llama_cpp
