#!/usr/bin/env python3
"""Holds an adapter of ours against the programs whose layouts it is written in: MLX-LM and PEFT.

    python3 -m venv v && v/bin/pip install gguf safetensors numpy "mlx[cpu]" mlx-lm     # for mlx
    python3 -m venv v && v/bin/pip install gguf safetensors numpy torch transformers peft  # for peft
    v/bin/python scripts/check_adapter.py mlx  --base MODEL.gguf --adapter FOLDER --data train.rendered.jsonl
    v/bin/python scripts/check_adapter.py peft --base MODEL.gguf --adapter PEFT_FOLDER --data train.rendered.jsonl

The model's weights are expanded to f32 in a temporary folder. The other program loads the adapter by its own loader and
writes greedy tokens; ours (cargo's example `logits` of the crate `tuner`) says for each of them what it would have
written. Equal choices at every step are equal texts. MLX-LM on a processor takes minutes a prompt.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

MATRICES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}


def expand(source, folder):
    """Writes a Gemma 3 GGUF as a folder of Hugging Face's layout, in f32, without its tokenizer."""
    import numpy as np
    from gguf import GGUFReader
    from gguf.quants import dequantize
    from safetensors.numpy import save_file

    reader = GGUFReader(source)
    tensors = {}
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if tensor.name == "token_embd.weight":
            name = "model.embed_tokens.weight"
        elif tensor.name == "output_norm.weight":
            name = "model.norm.weight"
        else:
            _, layer, matrix, _ = tensor.name.split(".")
            name = f"model.layers.{layer}.{MATRICES[matrix]}.weight"
        # GGUF keeps norms with one added.
        tensors[name] = np.ascontiguousarray(values - 1 if "norm" in name else values)
    field = lambda key: reader.fields[f"gemma3.{key}"].contents()
    layers = field("block_count")
    config = {
        "architectures": ["Gemma3ForCausalLM"],
        "model_type": "gemma3_text",
        "num_hidden_layers": layers,
        "hidden_size": field("embedding_length"),
        "intermediate_size": field("feed_forward_length"),
        "num_attention_heads": field("attention.head_count"),
        "num_key_value_heads": field("attention.head_count_kv"),
        "head_dim": field("attention.key_length"),
        "vocab_size": len(tensors["model.embed_tokens.weight"]),
        "sliding_window": field("attention.sliding_window"),
        "sliding_window_pattern": 6,
        "layer_types": ["full_attention" if (n + 1) % 6 == 0 else "sliding_attention" for n in range(layers)],
        "rope_theta": field("rope.freq_base"),
        "rope_local_base_freq": 10000.0,
        "rms_norm_eps": field("attention.layer_norm_rms_epsilon"),
        "query_pre_attn_scalar": field("attention.key_length"),
        "max_position_embeddings": field("context_length"),
        "hidden_activation": "gelu_pytorch_tanh",
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
        "eos_token_id": [1, 106],
        "bos_token_id": 2,
    }
    save_file(tensors, f"{folder}/model.safetensors", metadata={"format": "pt"})
    pathlib.Path(folder, "config.json").write_text(json.dumps(config))


def tokens_of(texts, base, ours):
    """The prompts as tokens, by our own tokenizer."""
    command = [*ours, base, "--tokens"]
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    told = subprocess.run(command, input=lines, capture_output=True, text=True, check=True).stdout
    return [json.loads(line) for line in told.splitlines()]


def with_mlx(folder, adapter, prompts, count):
    import mlx.core as mx
    from mlx_lm.models.cache import make_prompt_cache
    from mlx_lm.utils import load_adapters, load_model

    model, _ = load_model(pathlib.Path(folder))
    model = load_adapters(model, adapter)
    model.eval()
    for prompt in prompts:
        cache, given, said = make_prompt_cache(model), mx.array([prompt]), []
        for _ in range(count):
            said.append(int(mx.argmax(model(given, cache=cache)[0, -1])))
            given = mx.array([[said[-1]]])
        yield said


def with_peft(folder, adapter, prompts, count):
    import torch
    from peft import PeftModel, load_peft_weights
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    model = PeftModel.from_pretrained(base, adapter)
    stored = load_peft_weights(adapter)
    wanted = {name.replace(".default", "") for name, _ in model.named_parameters() if "lora_" in name}
    print(f"PEFT: {len(stored)} tensors in the file, {len(wanted)} places in the model, "
          f"{len(wanted ^ set(stored))} without a partner")
    assert wanted == set(stored), sorted(wanted ^ set(stored))[:5]
    model.eval()
    for prompt in prompts:
        said = []
        with torch.no_grad():
            for _ in range(count):
                scores = model(input_ids=torch.tensor([prompt + said])).logits[0, -1]
                said.append(int(scores.argmax()))
        yield said


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", choices=["mlx", "peft"])
    parser.add_argument("--base", required=True, help="the GGUF file that the adapter was trained on")
    parser.add_argument("--adapter", required=True, help="the adapter's folder, in the program's layout")
    parser.add_argument("--data", required=True, help="rendered examples; their prompts are used")
    parser.add_argument("--ours", help="the example's program, where it is built already")
    parser.add_argument("--prompts", type=int, default=10)
    parser.add_argument("--tokens", type=int, default=20)
    options = parser.parse_args()

    lines = pathlib.Path(options.data).read_text().splitlines()
    every = max(len(lines) // options.prompts, 1)
    texts = [json.loads(line)["prompt"] for line in lines[::every][: options.prompts]]
    build = ["cargo", "run", "-q", "--release", "-p", "tuner", "--example", "logits", "--"]
    ours = [options.ours] if options.ours else build
    prompts = tokens_of(texts, options.base, ours)
    speak = with_mlx if options.program == "mlx" else with_peft
    equal = 0
    command = [*ours, options.base, options.adapter]
    with tempfile.TemporaryDirectory() as folder:
        expand(options.base, folder)
        for prompt, said in zip(prompts, speak(folder, options.adapter, prompts, options.tokens)):
            line = json.dumps({"tokens": prompt + said, "from": len(prompt)}) + "\n"
            told = subprocess.run(command, input=line, capture_output=True, text=True, check=True).stdout
            print(told.split("[")[0].strip(), flush=True)
            equal += told.startswith(f"{options.tokens} of {options.tokens} ")
    print(f"{equal} of {len(prompts)} prompts have the same first {options.tokens} greedy tokens")
    sys.exit(0 if equal * 10 >= len(prompts) * 8 else 1)


if __name__ == "__main__":
    main()
