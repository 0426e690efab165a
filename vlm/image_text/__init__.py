"""Runs any class of transformers' AutoModelForImageTextToText whole: its processor, its model.

Qwen2-VL, Qwen2.5-VL, Qwen3-VL, LLaVA-OneVision, Gemma 3 and others answer through the events of
`vlm.assistant.Assistant`. What is ours is only around them: decoding, the budget, the choice of
tokens, stopping. They are slower here than the families of `vlm.families`, and nothing of them can
be trained, assembled or evaluated.
"""
