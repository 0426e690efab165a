"""A plug-in of vLLM: PVC models of this repository, and videos read in a process that is confined.

vLLM calls `register` in each of its processes (entry point `vllm.general_plugins`).
"""

import os

ARCHITECTURE = "PVCForConditionalGeneration"
LOADER = "revisit"


def register() -> None:
    """Registers the config, the model and the video loader. May be called more than once.

    Videos are read by our loader unless VLLM_VIDEO_LOADER_BACKEND names another.
    """
    from vllm import ModelRegistry
    from vllm.multimodal.video import VIDEO_LOADER_REGISTRY

    import vlm.processor  # noqa: F401  registers the config and the processor with transformers
    from revisit_vllm.video_loader import ConfinedVideoLoader

    if ARCHITECTURE not in ModelRegistry.get_supported_archs():
        ModelRegistry.register_model(ARCHITECTURE, "revisit_vllm.model:PVC")
    VIDEO_LOADER_REGISTRY.register(LOADER)(ConfinedVideoLoader)
    os.environ.setdefault("VLLM_VIDEO_LOADER_BACKEND", LOADER)
