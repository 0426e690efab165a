"""A tiny checkpoint in the format of the original PVC-InternVL2 release, with its names.

Written from the known facts about the release, not from our table: tests compare the two.
"""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sentencepiece
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from vlm.config import PVCConfig
from vlm.model import PVCForConditionalGeneration

MARKUP = ("<img>", "</img>", "<IMG_CONTEXT>", "<quad>", "</quad>", "<ref>", "</ref>", "<box>")
MARKUP = (*MARKUP, "</box>")
LINES = [
    "你是由上海人工智能实验室联合商汤科技开发的书生多模态大模型，英文名叫InternVL, "
    "是一个有用无害的人工智能助手。",
    "user\nDescribe the picture in detail.\nassistant\nA cat sits on the mat, 3 birds fly.",
    "def f(x):    return x  # aaaa aaa aa",
    "Frame1: Image-2: the quick brown fox jumps over the lazy dog; naïve café",
]
VISION = {
    "architectures": ["InternVisionTemporalModel"],
    "hidden_size": 8,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "image_size": 32,
    "patch_size": 4,
    "qk_normalization": False,
    "qkv_bias": True,
    "norm_type": "layer_norm",
    "hidden_act": "gelu",
}
LANGUAGE = {
    "architectures": ["InternLM2ForCausalLM"],
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5,
    "rope_theta": 1e6,
    "rope_scaling": {"type": "dynamic", "factor": 2.0},
    "bias": False,
    "tie_word_embeddings": False,
}
ORIGINAL = {
    "model_type": "pvc_internvl",
    "auto_map": {"AutoConfig": "configuration_pvc_internvl.PVCInternVLConfig"},
    "downsample_ratio": 0.25,
    "ps_version": "v2",
    "select_layer": -1,
    "force_image_size": 32,
    "template": "internlm2-chat",
    "image_repeat_time": 4,
    "video_repeat_time": 1,
    "use_temporal": True,
    "max_dynamic_patch": 12,
}


def sentencepiece_model(**options: Any) -> bytes:
    """A SentencePiece BPE model like InternLM2's: bytes for what it lacks, no space in front."""
    out = io.BytesIO()
    spare = [f"[UNUSED_TOKEN_{n}]" for n in range(140, 147)]
    settings: dict[str, Any] = {
        "model_type": "bpe",
        "vocab_size": 420,
        "character_coverage": 0.98,
        "byte_fallback": True,
        "add_dummy_prefix": False,
        "remove_extra_whitespaces": False,
        "normalization_rule_name": "identity",
        "user_defined_symbols": spare,
        "unk_id": 0,
        "bos_id": 1,
        "eos_id": 2,
        "pad_id": -1,
        "split_digits": True,
        "allow_whitespace_only_pieces": True,
        "minloglevel": 2,
        **options,
    }
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES * 10), model_writer=out, **settings
    )
    return out.getvalue()


def write_tokenizer(folder: Path, model: bytes | None = None) -> int:
    """Writes tokenizer.model and its added tokens; returns the number of tokens."""
    model = model or sentencepiece_model()
    (folder / "tokenizer.model").write_bytes(model)
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model)
    size = pieces.vocab_size()
    added = {token: size + n for n, token in enumerate(MARKUP)}
    (folder / "added_tokens.json").write_text(json.dumps(added))
    ids = {pieces.piece_to_id(f"[UNUSED_TOKEN_{n}]"): n for n in (145, 146)}
    named = {145: "<|im_end|>", 146: "<|im_start|>"}
    decoder = {str(id): {"content": named[n], "special": True} for id, n in ids.items()}
    decoder |= {str(id): {"content": token, "special": True} for token, id in added.items()}
    settings = {"add_bos_token": True, "added_tokens_decoder": decoder}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return size + len(added)


def original_tensors(model: PVCForConditionalGeneration) -> dict[str, Tensor]:
    """The model's weights under the names of the release, q, k and v grouped as InternLM2 does."""
    ours = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    out: dict[str, Tensor] = {}
    for name in ("class_embedding", "position_embedding"):
        out[f"vision_model.embeddings.{name}"] = ours.pop(f"tower.backbone.{name}")
    for name in ("patch_embedding.weight", "patch_embedding.bias"):
        out[f"vision_model.embeddings.{name}"] = ours.pop(f"tower.backbone.{name}")
    depth = model.config.tower_config.backbone.depth
    for name in [name for name in ours if name.startswith("tower.")]:
        parts = name.split(".")
        layer = int(parts[3]) if parts[1] == "backbone" else int(parts[2]) + depth
        rest = ".".join(parts[4:] if parts[1] == "backbone" else parts[3:])
        rest = rest.replace("time.fc1", "t_embedder.mlp.0").replace("time.fc2", "t_embedder.mlp.2")
        out[f"vision_model.encoder.layers.{layer}.{rest}"] = ours.pop(name)
    text = "language_model.model."
    groups = model.config.text_config.num_key_value_heads
    for n in range(model.config.text_config.num_hidden_layers):
        attention = f"{text}layers.{n}.self_attn."
        q, k, v = (ours.pop(f"{attention}{part}_proj.weight") for part in "qkv")
        rows = [
            part
            for queries, key, value in zip(
                q.chunk(groups), k.chunk(groups), v.chunk(groups), strict=True
            )
            for part in (queries, key, value)
        ]
        out[f"{text}layers.{n}.attention.wqkv.weight"] = torch.cat(rows)
    names = {
        "embed_tokens": "tok_embeddings",
        "self_attn.o_proj": "attention.wo",
        "mlp.gate_proj": "feed_forward.w1",
        "mlp.up_proj": "feed_forward.w3",
        "mlp.down_proj": "feed_forward.w2",
        "input_layernorm": "attention_norm",
        "post_attention_layernorm": "ffn_norm",
        "lm_head": "output",
        "compressor.time.fc1": "mlp1.0.t_embedder.mlp.0",
        "compressor.time.fc2": "mlp1.0.t_embedder.mlp.2",
        "compressor.norm": "mlp1.0",
        "compressor.mlp.fc1": "mlp1.1",
        "compressor.mlp.fc2": "mlp1.3",
    }
    for name, tensor in ours.items():
        written = name
        for mine, yours in names.items():
            written = written.replace(mine, yours)
        out[written] = tensor
    return out


def tiny_config(vocab_size: int, image_token_id: int, **tower: Any) -> PVCConfig:
    """Our config of the tiny checkpoint, written by hand."""
    return PVCConfig(
        text_config={
            "model_type": "llama",
            "vocab_size": vocab_size,
            "hidden_size": 16,
            "intermediate_size": 24,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 512,
            "rms_norm_eps": 1e-5,
            "rope_parameters": {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e6},
        },
        tower={
            "image_size": 32,
            "patch_size": 4,
            "depth": 1,
            "dim": 8,
            "num_heads": 2,
            "mlp_dim": 12,
            "num_temporal_layers": 2,
            "temporal_heads": 2,
            **tower,
        },
        prompt={"template": "internlm2-chat"},
        image_token_id=image_token_id,
    )


def write_published(
    folder: Path, num_files: int = 2, dtype: torch.dtype = torch.float32
) -> PVCForConditionalGeneration:
    """A whole tiny release in `folder`; returns the model with the same weights."""
    folder.mkdir(parents=True, exist_ok=True)
    vocab_size = write_tokenizer(folder)
    torch.manual_seed(0)
    model = PVCForConditionalGeneration(tiny_config(vocab_size, vocab_size - len(MARKUP) + 2))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
            parameter.copy_(parameter.to(dtype))
    tensors = {name: t.to(dtype) for name, t in original_tensors(model).items()}
    names = list(tensors)
    step = -(-len(names) // num_files)
    where = {}
    for n in range(num_files):
        file = f"model-{n + 1:05}-of-{num_files:05}.safetensors"
        part = names[n * step : (n + 1) * step]
        save_file({name: tensors[name] for name in part}, folder / file, {"format": "pt"})
        where |= dict.fromkeys(part, file)
    index = {"metadata": {"total_size": 1}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    config = ORIGINAL | {"vision_config": VISION}
    config["llm_config"] = LANGUAGE | {"vocab_size": vocab_size}
    (folder / "config.json").write_text(json.dumps(config))
    return model.eval()


def change(path: Path, edit: Callable[[dict], object]) -> None:
    """Edits a JSON file of a release."""
    values = json.loads(path.read_text())
    edit(values)
    path.write_text(json.dumps(values))


def tensors_of_file(folder: Path, number: int = 1) -> tuple[Path, dict[str, Tensor]]:
    """One of the two files of a release, and what it holds."""
    path = folder / f"model-{number:05}-of-00002.safetensors"
    return path, load_file(path)
