#!/usr/bin/env python3
"""Serves the product with the language model behind real llama-servers, and breaks them.

    python3 scripts/remote_check.py --server /path/to/llama-server [--binary target/release/gemma-burger] [--model FILE.gguf]

Two llama-servers and one `serve` with both as ENGINE_URLS. Checked: a conversation whose words come from there and as
they are written, the cart right to the cent; replies spread over both; a guest who leaves ends the work there; one server
is killed in the middle of replies (who had words already gets an error or a plain end, all others are served by the
other), given up, started again, and taken back; with both dead the chat goes on in plain words and programs get a clear
refusal. What it finds is one line of JSON; the first thing wrong ends it with a reason. Without a llama-server there is
nothing to check, which is said and is no failure. Only Python's standard library is used.
"""

import argparse
import http.client
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODEL = "gemma-3-270m"
PATIENCE = 120
BUSY = "Write a long story about a harbour in winter, with many people in it, and do not stop."


def tell(text):
    print(text, file=sys.stderr, flush=True)


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wait_for(what, check, seconds=PATIENCE, pause=0.05):
    """Calls until it gives something; also tells how long that took."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        found = check()
        if found:
            return found, time.monotonic() - started
        time.sleep(pause)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()


class Server:
    """A llama-server on a port of its own, which it keeps over its deaths."""

    def __init__(self, binary, model, log):
        self.port, self.log = free_port(), log
        self.command = [binary, "-m", model, "--alias", MODEL, "--host", "127.0.0.1", "--port", str(self.port)]
        self.command += ["-c", "8192", "-np", "4", "-t", "1", "-tb", "1", "--slots"]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log)
        wait_for("llama-server", lambda: get(self.port, "/health")[0] == 200)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def running(self):
        """Replies that it is writing."""
        status, body = get(self.port, "/slots")
        assert status == 200, f"/slots: {status}"
        return sum(slot["is_processing"] for slot in json.loads(body))


class House:
    """The product."""

    def __init__(self, binary, urls, data, log):
        flags = {"ENGINE_URLS": ",".join(urls), "MODEL": MODEL, "PORT": "0", "DATA_DIR": data, "LOG": "info",
                 "RESOURCES_DIR": str(ROOT / "resources"), "RATE_PER_GUEST_PER_MINUTE": "10000",
                 "RATE_PER_ADDRESS_PER_MINUTE": "10000"}  # fmt: skip
        self.log = log
        self.process = subprocess.Popen([binary, "serve"], env={**os.environ, **flags}, stdout=log, stderr=log)
        (address, _) = wait_for("serve", lambda: re.search(r"http://localhost:(\d+)", Path(log.name).read_text()))
        self.port = int(address[1])
        wait_for("serve to be ready", lambda: get(self.port, "/health/ready")[0] == 200)

    def post(self, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        return connection

    def say(self, text, session=None):
        """A turn: its events as (name, data, seconds)."""
        asked = time.monotonic()
        connection = self.post("/chat", {"message": text, **({"session_id": session} if session else {})})
        answer = connection.getresponse()
        assert answer.status == 200, f"{text!r}: {answer.status} {answer.read()[:300]}"
        events, name = [], None
        for line in answer:
            key, _, value = line.decode().strip().partition(":")
            if key == "event":
                name = value.strip()
            elif key == "data":
                events.append((name, json.loads(value), time.monotonic() - asked))
        connection.close()
        assert events[-1][0] in ("done", "error"), events[-1:]
        return events

    def metric(self, name, endpoint):
        text = get(self.port, "/metrics")[1]
        found = re.search(rf'^{name}{{endpoint="http://127.0.0.1:{endpoint.port}/v1"}} (\d+)', text, re.M)
        return int(found[1]) if found else None


class Stream(threading.Thread):
    """A long reply of the bare model."""

    def __init__(self, house, tokens, words=BUSY):
        super().__init__(daemon=True)
        self.house, self.pieces, self.error, self.finish, self.status = house, [], None, None, None
        body = {"model": MODEL, "stream": True, "max_tokens": tokens, "temperature": 1.0}
        self.body = {**body, "messages": [{"role": "user", "content": words}]}
        self.first = threading.Event()
        self.start()

    def run(self):
        try:
            self.connection = self.house.post("/v1/chat/completions", self.body)
            # A reply begins with its head when the model does.
            answer = self.connection.getresponse()
            self.status = answer.status
            if answer.status != 200:
                self.error = json.loads(answer.read())["error"]
                return
            for line in answer:
                if not line.startswith(b"data: {"):
                    continue
                chunk = json.loads(line[6:])
                if chunk.get("error"):
                    self.error = chunk["error"]
                for choice in chunk.get("choices", []):
                    self.finish = choice.get("finish_reason") or self.finish
                    if choice["delta"].get("content"):
                        self.pieces.append((choice["delta"]["content"], time.monotonic()))
                        self.first.set()
        except (OSError, ValueError, http.client.HTTPException) as error:
            self.error = self.error or repr(error)
        finally:
            self.first.set()

    def leave(self):
        self.connection.sock.shutdown(socket.SHUT_RDWR)


def spoken(events):
    return "".join(data["text"] for name, data, _ in events if name == "token")


def converse(house):
    """A conversation: its words come from the model, and what it orders is right."""
    session, written, firsts, cart = None, 0, [], None
    for text in ["hello there", "two double stacks please", "make it three", "what do you recommend with it?", "thanks"]:
        events = house.say(text, session)
        session = events[0][1]["session_id"]
        done = events[-1][1]
        assert events[-1][0] == "done" and spoken(events), (text, events)
        if done["usage"]["completion_tokens"]:
            written += 1
            firsts.append(next(at for name, _, at in events if name == "token") * 1e3)
        cart = next((data for name, data, _ in reversed(events) if name == "cart"), cart)
    assert written >= 2, f"the model spoke in {written} of 5 turns"
    assert [line["quantity"] for line in cart["lines"]] == [3], cart
    return {"turns_by_the_model": written, "first_words_p50_ms": round(statistics.median(firsts))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", default=shutil.which("llama-server"), help="llama.cpp's llama-server")
    parser.add_argument("--binary", default=str(ROOT / "target/release/gemma-burger"))
    parser.add_argument("--model", help="a GGUF file; without it the product's default model")
    options = parser.parse_args()
    if not options.server or not Path(options.server).is_file():
        print("no llama-server here, so there is nothing to check; name one with --server")
        return
    model = options.model
    if model is None:
        listed = subprocess.run([options.binary, "model", "fetch", "--json"], check=True, stdout=subprocess.PIPE)
        model = next(f["path"] for f in json.loads(listed.stdout) if f["path"].endswith(".gguf"))

    with tempfile.TemporaryDirectory() as folder:
        logs = [open(Path(folder, name), "w+") for name in ("a.log", "b.log", "house.log")]
        servers, house, found = [], None, {}
        try:
            servers = [Server(options.server, model, log) for log in logs[:2]]
            house = House(options.binary, [f"http://127.0.0.1:{s.port}" for s in servers], f"{folder}/data", logs[2])
            found["conversation"] = converse(house)
            tell("conversation: well")

            stream = Stream(house, 40)
            stream.join(PATIENCE)
            times = [at for _, at in stream.pieces]
            assert stream.finish in ("stop", "length") and len(times) > 5, (stream.error, stream.pieces)
            found["stream"] = {"pieces": len(times), "first_to_last_ms": round((times[-1] - times[0]) * 1e3)}
            assert times[-1] - times[0] > 0.05, "all of it came at once"

            streams = [Stream(house, 1000) for _ in range(6)]
            wait_for("six replies", lambda: sum(s.running() for s in servers) == 6)
            found["spread"] = [house.metric("gemma_burger_endpoint_running", server) for server in servers]
            assert found["spread"] == [3, 3], found["spread"]
            tell("spread over both: well")
            for stream in streams:
                stream.leave()
            _, took = wait_for("the work to end", lambda: sum(s.running() for s in servers) == 0, 10)
            found["left_to_idle_ms"] = round(took * 1e3)
            tell(f"left: idle after {took * 1e3:.0f} ms")

            # One dies in the middle of replies.
            dies, lives = servers
            streams = [Stream(house, 1000) for _ in range(4)]
            for stream in streams:
                assert stream.first.wait(PATIENCE)
            dies.kill()
            killed = time.monotonic()
            wait_for("cut replies", lambda: sum(not s.is_alive() for s in streams) >= 2, 30)
            cut = [s for s in streams if not s.is_alive()]
            found["cut_after_ms"] = round((time.monotonic() - killed) * 1e3)
            assert len(cut) == 2 and all(s.error and s.pieces for s in cut), [s.error for s in cut]
            found["cut_is_told_as"] = cut[0].error["code"] if isinstance(cut[0].error, dict) else cut[0].error
            for stream in streams:
                if stream.is_alive():
                    stream.leave()
            waits = []
            for number in range(8):
                asked = time.monotonic()
                stream = Stream(house, 8, f"Say hello, number {number}.")
                stream.join(PATIENCE)
                assert stream.finish and not stream.error, f"reply {number} after the death: {stream.error}"
                waits.append((time.monotonic() - asked) * 1e3)
            found["replies_by_the_other"] = len(waits)
            found["slowest_of_them_ms"] = round(max(waits))
            found["conversation_with_one"] = converse(house)
            gone, took = wait_for("it to be given up", lambda: house.metric("gemma_burger_endpoint_open", dies), 30)
            tell(f"killed: {len(cut)} replies cut, {len(waits)} served by the other, given up")

            dies.start()
            started = time.monotonic()
            before = house.metric("gemma_burger_endpoint_replies_total", dies)
            wait_for("it to be taken back", lambda: house.metric("gemma_burger_endpoint_open", dies) == 0, 90)
            found["taken_back_after_s"] = round(time.monotonic() - started, 1)
            for number in range(4):
                Stream(house, 8, f"Say hello again, number {number}.").join(PATIENCE)
            again = house.metric("gemma_burger_endpoint_replies_total", dies) - before
            assert again >= 1, "it got no replies after it came back"
            found["replies_after_it_came_back"] = again
            tell(f"taken back after {found['taken_back_after_s']} s")

            # A guest's reply is whole even where the model dies within it.
            listening = threading.Thread(target=lambda: found.__setitem__("said", house.say("tell me about your burgers")))
            listening.start()
            wait_for("a reply under way", lambda: sum(s.running() for s in servers) or not listening.is_alive(), 30, 0.001)
            for server in servers:
                server.kill()
            listening.join(PATIENCE)
            events = found.pop("said")
            assert events[-1][0] == "done" and spoken(events), events
            events = house.say("two double stacks please")
            assert events[-1][0] == "done" and any(name == "cart" for name, _, _ in events) and spoken(events), events
            found["without_any"] = {"words": len(spoken(events).split()), "ms": round(events[-1][2] * 1e3)}
            asked = time.monotonic()
            stream = Stream(house, 8)
            stream.join(PATIENCE)
            assert stream.status in (502, 503) and stream.error, (stream.status, stream.error)
            refusal = {"status": stream.status, "code": stream.error["code"]}
            found["programs_without_any"] = {**refusal, "ms": round((time.monotonic() - asked) * 1e3)}
            wait_for("it to be not ready", lambda: get(house.port, "/health/ready")[0] == 503, 60)
            for server in servers:
                server.start()
            _, took = wait_for("it to be ready again", lambda: get(house.port, "/health/ready")[0] == 200, 90)
            found["ready_again_after_s"] = round(took, 1)
            found["conversation_at_the_end"] = converse(house)
            print(json.dumps(found))
        except AssertionError:
            logs[2].seek(0)
            tell("the product's log ends with:\n" + logs[2].read()[-3000:])
            raise
        finally:
            for process in [*(server.process for server in servers), *([house.process] if house else [])]:
                process.kill()
                process.wait()


if __name__ == "__main__":
    main()
