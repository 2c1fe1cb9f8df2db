#!/usr/bin/env python3
"""Holds `gemma-burger model import` against MLX-LM: the same checkpoint, the same tokens, the scores of both.

    python3 -m venv v && v/bin/pip install gguf safetensors numpy transformers "mlx[cpu]" mlx-lm
    v/bin/python scripts/check_import.py --base MODEL.gguf --binary target/release/gemma-burger [--bits 4] [--group 64]

MODEL.gguf is any Gemma 3. Its weights and its vocabulary are written as a folder of Hugging Face's layout; MLX-LM itself
makes the quantised checkpoint of it (`mlx_lm.convert`); ours imports that. Then MLX-LM computes the scores after each
token of a few texts, and ours (cargo's example `scores` of the crate `engine`) the same. MLX-LM on a processor takes a
while. llama.cpp rounds what goes into each layer to eight bits; with `--exact`, the first choices are also held against
those of our trainer (the example `logits` of the crate `tuner`), which reads the same file and rounds nothing. What is
told: tokens, the greatest and the mean difference of two scores, how often both choose the same token.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import numpy as np
from gguf import GGUFReader

from check_adapter import expand

TEXTS = [
    "<start_of_turn>user\nYou serve at a burger bar. Two cheeseburgers and a lemonade, please. Is there garlic in the "
    "sauce?<end_of_turn>\n<start_of_turn>model\nTwo cheeseburgers and a lemonade, that is $23.50.",
    "The harbour was quiet when the ferry came in. Two men in yellow coats threw the ropes over the iron posts and waited "
    "for the engine to stop.",
    "Water boils at a lower temperature on a mountain than at the sea, because the air presses less upon it.",
]
NORMAL, CONTROL, USER_DEFINED = 1, 3, 4


def write_tokenizer(base, folder):
    """The vocabulary of a GGUF file as `tokenizer.json`: its scores are the ranks of merges."""
    fields = GGUFReader(base).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    scores = fields["tokenizer.ggml.scores"].contents()
    kinds = fields["tokenizer.ggml.token_type"].contents()
    ids = {token: number for number, token in enumerate(tokens)}
    ranked = sorted((n for n in range(len(tokens)) if kinds[n] == NORMAL), key=lambda n: -scores[n])
    merges = [
        [token[:cut], token[cut:]]
        for token in (tokens[n] for n in ranked)
        for cut in range(1, len(token))
        if token[:cut] in ids and token[cut:] in ids
    ]
    added = [
        {"id": n, "content": tokens[n], "special": kinds[n] == CONTROL, "single_word": False, "lstrip": False,
         "rstrip": False, "normalized": False}
        for n in range(len(tokens))
        if kinds[n] in (CONTROL, USER_DEFINED)
    ]
    spaces = {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}
    tokenizer = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": spaces,
        "pre_tokenizer": None, "post_processor": None, "decoder": None,
        "model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True, "vocab": ids,
                  "merges": merges},
    }  # fmt: skip
    pathlib.Path(folder, "tokenizer.json").write_text(json.dumps(tokenizer))
    about = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<bos>", "eos_token": "<eos>"}
    pathlib.Path(folder, "tokenizer_config.json").write_text(json.dumps(about))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", required=True, help="a GGUF file of a Gemma 3")
    parser.add_argument("--binary", default="target/release/gemma-burger")
    parser.add_argument("--scores", help="the example's program, where it is built already")
    parser.add_argument("--exact", help="the program of the example `logits`")
    parser.add_argument("--bits", type=int, default=4)
    parser.add_argument("--group", type=int, default=64)
    options = parser.parse_args()
    build = ["cargo", "run", "-q", "--release", "-p", "engine", "--example", "scores", "--"]
    ours = [options.scores] if options.scores else build

    import mlx.core as mx
    from mlx_lm import convert
    from mlx_lm.utils import load

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        whole, packed, imported = folder / "whole", folder / "packed", folder / "imported.gguf"
        whole.mkdir()
        expand(options.base, whole)
        write_tokenizer(options.base, whole)
        convert(str(whole), str(packed), quantize=True, q_bits=options.bits, q_group_size=options.group, dtype="bfloat16")
        command = [options.binary, "model", "import", str(packed), "--out", str(imported), "--json"]
        report = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        print(f"import: {report['four_bit']} tensors of 4 bits as they were, {report['unpacked']} unpacked, "
              f"{report['rounded']} of {report['scales']} scales rounded")  # fmt: skip

        model, tokenizer = load(str(packed))
        # As llama.cpp computes: the weights are what is compared, not MLX's rounding to 16 bits between layers.
        model.set_dtype(mx.float32)
        gaps, scale, same, exact, count = [], [], 0, 0, 0
        for text in TEXTS:
            tokens = tokenizer.encode("<bos>" + text, add_special_tokens=False)
            theirs = np.array(model(mx.array([tokens]))[0].astype(mx.float32))
            prefixes = "".join(f"{tokens[:end]}\n" for end in range(1, len(tokens) + 1))
            out = folder / "scores.f32"
            subprocess.run([*ours, imported, out], input=prefixes, stdout=subprocess.DEVNULL, text=True, check=True)
            own = np.fromfile(out, dtype="<f4").reshape(theirs.shape)
            gaps.append(np.abs(own - theirs).ravel())
            scale.append(theirs.ravel())
            same += int((own.argmax(1) == theirs.argmax(1)).sum())
            count += len(tokens)
            if options.exact:
                line = json.dumps({"tokens": [*tokens, 0], "from": 1}) + "\n"
                told = subprocess.run([options.exact, imported], input=line, stdout=subprocess.PIPE, text=True, check=True)
                choices = json.loads(told.stdout[told.stdout.index("[") :])
                exact += int((np.array(choices) == theirs.argmax(1)).sum())
            apart = [n for n in range(len(tokens)) if own[n].argmax() != theirs[n].argmax()]
            for n in apart:
                first, second = np.sort(theirs[n])[-1:-3:-1]
                print(f"  another first choice after token {n}: MLX-LM's first two are {first - second:.3f} apart")
    gaps, scale = np.concatenate(gaps), np.concatenate(scale)
    print(f"{count} tokens, {gaps.size} scores: the same first choice {same} of {count} times")
    if options.exact:
        print(f"without rounding: the same first choice {exact} of {count} times")
    print(f"difference of two scores: mean {gaps.mean():.4f}, 99.9% within {np.quantile(gaps, 0.999):.4f}, greatest "
          f"{gaps.max():.4f}; the scores themselves spread by {scale.std():.4f}")  # fmt: skip


if __name__ == "__main__":
    main()
