#!/usr/bin/env python3
"""Chooses the tokens of Gemma's vocabulary that English needs: writes resources/vocabulary/english.txt.

    pip install gguf wordfreq
    python3 scripts/vocabulary.py MODEL.gguf [COUNT]

Each word of the word list counts with its frequency, in the forms that text has it in (after a space, capitalised, at
the beginning of a line, ...); each form is encoded, and every token that its joins go through gets the form's count.
The COUNT most used tokens are written, one a line, the most used first, with U+2581 for a space.
"""
import collections
import pathlib
import sys

import wordfreq
from gguf import GGUFReader

SPACE = "\u2581"
# Shares of a word's uses by form; measured roughly on running text.
AFTER_SPACE, CAPITAL, LINE_START, BARE, UPPER = 0.87, 0.08, 0.04, 0.008, 0.002


def main() -> None:
    model, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 45_000
    fields = GGUFReader(model).fields
    tokens, scores, kinds = (fields[f"tokenizer.ggml.{key}"].contents() for key in ("tokens", "scores", "token_type"))
    score = {token: s for token, s, kind in zip(tokens, scores, kinds) if kind == 1}

    def joins(text: str) -> set[str]:
        """The tokens of a short text, and those that its joins go through."""
        parts = list(text)
        met = {part for part in parts if part in score}
        while True:
            pairs = [(score[a + b], -i) for i, (a, b) in enumerate(zip(parts, parts[1:])) if a + b in score]
            if not pairs:
                return met
            i = -max(pairs)[1]
            parts[i : i + 2] = [parts[i] + parts[i + 1]]
            met.add(parts[i])

    use: collections.Counter[str] = collections.Counter()
    for rank, word in enumerate(wordfreq.top_n_list("en", 250_000, wordlist="large")):
        if not (word.isascii() and word.isprintable()):
            continue
        forms = [(SPACE + word, AFTER_SPACE), (SPACE + word.capitalize(), CAPITAL), (word.capitalize(), LINE_START)]
        forms += [(word, BARE)] if rank < 60_000 else []
        forms += [(SPACE + word.upper(), UPPER)] if rank < 20_000 else []
        frequency = wordfreq.word_frequency(word, "en", wordlist="large")
        for form, share in forms:
            for token in joins(form):
                use[token] += frequency * share

    out = pathlib.Path(__file__).parent.parent / "resources/vocabulary/english.txt"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text("".join(f"{token}\n" for token, _ in use.most_common(count)), encoding="utf-8")
    print(f"{min(count, len(use))} tokens in {out}", file=sys.stderr)


if __name__ == "__main__":
    main()
