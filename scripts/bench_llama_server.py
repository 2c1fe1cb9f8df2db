#!/usr/bin/env python3
"""Our engine against llama.cpp's own server, on the same machine and the same script of conversations.

    python3 scripts/bench_llama_server.py --server /path/to/llama-server [--model FILE.gguf] [--rounds 3]

In each round `gemma-burger bench engine --json` runs, then llama-server with the same threads and number of places, and
with the same file; the default model is whole there, while ours serves it as it would without being told anything. The
medians of the rounds are printed with their ratio (ours to theirs). Prompts are written in Gemma's own turns and the
server's prompt cache is on. Ours is called in process, theirs over HTTP on the loopback, which costs it about a
millisecond a reply.

"first token, 6th turn, template" is how a concierge without an engine of its own would do it there: a call that names
the intent of the message, then one template with the entries that fit it best first, sent whole at every turn. Ours
needs neither and is compared with its own 6th turn.

--replies asks both for greedy replies to the same prompts with the whole vocabulary (ours with VOCABULARY=full) and
counts those that are the same to the letter. Only Python's standard library is used.
"""

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GUESTS = (1, 4, 8)
# Memory that 8 guests of 2048 tokens share.
CONTEXT = 8 * 2048
HIGHER_IS_BETTER = ("read", "written")


def tell(text):
    print(text, file=sys.stderr, flush=True)


def ours(binary, model, threads, rounds=1, vocabulary=None):
    command = [binary, "bench", "engine", "--json", "--rounds", str(rounds), "--threads", str(threads)]
    command += ["--model", model] if model else []
    command += ["--vocabulary", vocabulary] if vocabulary else []
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


class Server:
    """A running llama-server."""

    def __init__(self, binary, model, threads, more=()):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [binary, "-m", model, "--host", "127.0.0.1", "--port", str(self.port), "-c", str(CONTEXT)]
        command += ["-np", str(max(GUESTS)), "-t", str(threads), "-tb", str(threads), *more]
        self.log = tempfile.TemporaryFile()
        started = time.monotonic()
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log)
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() - started > 120:
                self.log.seek(0)
                sys.exit("llama-server did not start:\n" + self.log.read().decode(errors="replace")[-2000:])
            time.sleep(0.005)
        self.load_ms = (time.monotonic() - started) * 1e3

    def is_ready(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def ask(self, prompt, tokens):
        """A reply: its text, milliseconds to its first words, and the server's own counts."""
        body = {"prompt": prompt, "n_predict": tokens, "temperature": 0, "stream": True, "cache_prompt": True}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        asked = time.monotonic()
        connection.request("POST", "/completion", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text, first, timings = "", None, {}
        for line in answer:
            if not line.startswith(b"data: "):
                continue
            event = json.loads(line[6:])
            if event.get("content"):
                first = first or (time.monotonic() - asked) * 1e3
                text += event["content"]
            timings = event.get("timings", timings)
        connection.close()
        return text, first or (time.monotonic() - asked) * 1e3, timings

    def peak_mb(self):
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return None
        return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))

    def close(self):
        self.process.terminate()
        self.process.wait()


def prompt(preamble, said):
    """Gemma's turns; the preamble heads the first. The server adds the beginning-of-sequence token by itself."""
    text = f"<start_of_turn>user\n{preamble}\n\n"
    for place, words in enumerate(said):
        if place:
            text += f"<start_of_turn>{'model' if place % 2 else 'user'}\n"
        text += f"{words.strip()}<end_of_turn>\n"
    return text + "<start_of_turn>model\n"


def template(preamble, said):
    """One template for every turn: who speaks, the menu's entries with those first that share most words with the
    message, what was said, the message."""
    rules, _, entries = preamble.partition("\n")
    words = set(said[-1].lower().replace("?", " ").replace(".", " ").split())
    common = lambda entry: len(words & set(entry.lower().replace(",", " ").replace(".", " ").split()))
    entries = "\n".join(sorted(entries.splitlines(), key=common, reverse=True))
    told = "\n".join(f"{'Clerk' if place % 2 else 'Guest'}: {words}" for place, words in enumerate(said[:-1]))
    return prompt(f"{rules}\nContext:\n{entries}\nConversation so far:\n{told}", [f"Guest: {said[-1]}"])


def intent(words):
    """The call before it that tells what the guest wants."""
    kinds = "ORDER, MENU_QUESTION, STORE_INFO, COMPLAINT, BUDGET, SMALL_TALK, OTHER"
    return prompt(f"Classify the guest's message. Answer with one of {kinds} and nothing else.", [f"Message: {words}"])


def theirs(binary, model, threads, script, shift):
    server = Server(binary, model, threads)
    try:
        preamble, tokens = f"Shift {shift}. {script['preamble']}", script["reply_tokens"]
        figures, said = {"load": server.load_ms}, []
        for turn, words in enumerate(script["turns"]):
            said.append(words)
            text, first, timings = server.ask(prompt(preamble, said), tokens)
            said.append(text)
            if turn == 0:
                figures["first token, cold"] = first
                figures["read, cold"] = timings.get("prompt_per_second")
            if turn == 5:
                figures["first token, 6th turn"] = first
        told = []
        for turn, words in enumerate(script["turns"]):
            told.append(words)
            asked = time.monotonic()
            server.ask(intent(words), 4)
            before = (time.monotonic() - asked) * 1e3
            text, first, _ = server.ask(template(preamble, told), tokens)
            told.append(text)
            if turn == 5:
                figures["first token, 6th turn, template"] = before + first
        _, figures["first token, warm preamble"], _ = server.ask(prompt(preamble, script["guests"][:1]), tokens)
        for guests in GUESTS:
            written = [0] * guests

            def talk(guest):
                words = script["guests"][guest % len(script["guests"])]
                written[guest] = server.ask(prompt(preamble, [words]), tokens)[2].get("predicted_n", 0)

            threads_of_guests = [threading.Thread(target=talk, args=(guest,)) for guest in range(guests)]
            started = time.monotonic()
            for thread in threads_of_guests:
                thread.start()
            for thread in threads_of_guests:
                thread.join()
            name = "written, 1 guest" if guests == 1 else f"written, {guests} guests in total"
            figures[name] = sum(written) / (time.monotonic() - started)
        figures["memory, peak"] = server.peak_mb()
        return figures
    finally:
        server.close()


def compare(binary, server, model, threads, script):
    """How many greedy replies to the same prompts are the same, and the first words of those that are not."""
    said = ours(binary, model, threads, vocabulary="full")["said"]
    # Ours holds keys in 8 bits and values in 16.
    server = Server(server, model, threads, ["-ctk", "q8_0", "-ctv", "f16", "-fa", "on"])
    try:
        preamble, tokens = f"Shift 1. {script['preamble']}", script["reply_tokens"]
        differing = []
        for one in said:
            text, _, _ = server.ask(prompt(preamble, one["turns"]), tokens)
            if text.strip() != one["reply"].strip():
                differing.append({"to": one["turns"][-1], "ours": one["reply"], "llama_server": text})
        return len(said), differing
    finally:
        server.close()


def median(rounds, name):
    values = [figures[name] for figures in rounds if figures.get(name) is not None]
    return statistics.median(values) if values else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser.add_argument("--server", required=True, help="llama.cpp's llama-server")
    parser.add_argument("--binary", default=str(target / "release/gemma-burger"), help="ours")
    parser.add_argument("--model", help="a GGUF file; without it the product's default model")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--replies", action="store_true", help="compare greedy replies instead")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    model = arguments.model
    if model is None:  # Ours cuts its vocabulary by itself; theirs gets the whole file.
        listed = subprocess.run([arguments.binary, "model", "fetch", "--json"], check=True, stdout=subprocess.PIPE)
        files = [file["path"] for file in json.loads(listed.stdout) if file["path"].endswith(".gguf")]
        model = files[0]
    script = json.loads((ROOT / "resources/bench/engine.json").read_text())
    if arguments.replies:
        asked, differing = compare(arguments.binary, arguments.server, model, arguments.threads, script)
        if arguments.json:
            print(json.dumps({"asked": asked, "differing": differing}, indent=2))
            return
        print(f"{asked - len(differing)} of {asked} replies are the same")
        for one in differing:
            print(f"\n{one['to']}\n  ours          {one['ours']!r}\n  llama-server  {one['llama_server']!r}")
        return
    machine, our_rounds, their_rounds = None, [], []
    for shift in range(1, arguments.rounds + 1):
        tell(f"round {shift} of {arguments.rounds}: ours …")
        report = ours(arguments.binary, arguments.model, arguments.threads)
        machine = report["machine"]
        figures = {figure["name"]: figure["measured"] for figure in report["figures"]}
        figures["first token, 6th turn, template"] = figures["first token, 6th turn"]
        our_rounds.append(figures)
        tell(f"round {shift} of {arguments.rounds}: llama-server …")
        their_rounds.append(theirs(arguments.server, model, arguments.threads, script, shift))
    rows = []
    for name in their_rounds[0]:
        our, their = median(our_rounds, name), median(their_rounds, name)
        rows.append({"name": name, "ours": our, "llama_server": their, "ratio": our / their if our and their else None})
    if arguments.json:
        print(json.dumps({"machine": machine, "figures": rows}, indent=2))
        return
    print(f"{machine['processor']}, {arguments.threads} threads, {machine['system']}, {machine['model']}")
    print(f"{'figure':<32} {'ours':>10} {'llama-server':>13} {'ratio':>7}  better")
    for row in rows:
        numbers = [row["ours"], row["llama_server"], row["ratio"]]
        shown = ["?" if number is None else f"{number:.2f}" for number in numbers]
        better = "higher" if row["name"].startswith(HIGHER_IS_BETTER) else "lower"
        print(f"{row['name']:<32} {shown[0]:>10} {shown[1]:>13} {shown[2]:>7}  {better}")


if __name__ == "__main__":
    main()
