"""Checks the product against a real server of MLflow, with MLflow's own Python client: a training run whose server is
killed and started again, the registered model, the gate before the champion, traces of turns, a guest's thumb, prompts,
and a wrong key. The server asks for a name and a password.

Usage: python mlflow_check.py PROGRAM [--turns N]      (needs the package mlflow[auth])

PROGRAM is the product. With --turns it only times N turns with traces (to a collector that does nothing with them) and N
without. What it finds is one line of JSON on standard output; the first thing wrong ends it with a reason.
"""

import argparse
import hashlib
import http.server
import json
import math
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME, PASSWORD = "admin", "correct-horse-battery"
STEPS = 24
# Cases that an adapter is measured by before it may become the champion.
CASES = 11
MODEL, EXPERIMENT = "gemma-burger", "gemma-burger"
ADAPTER = ROOT / "resources/adapters/gemma-3-270m"


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wait_for(what, check, seconds=90.0, pause=0.1):
    """Calls until it gives something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = check()
        if found:
            return found
        time.sleep(pause)
    raise AssertionError(f"waited {seconds:.0f} s in vain for {what}")


def say(line):
    print(line, file=sys.stderr, flush=True)


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


class Server:
    """A server of MLflow in a folder of its own."""

    def __init__(self, folder):
        self.folder, self.port, self.process = Path(folder), free_port(), None
        self.folder.mkdir()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self, wait=True):
        environment = dict(
            os.environ,
            MLFLOW_DISABLE_TELEMETRY="true",
            MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false",
            MLFLOW_FLASK_SERVER_SECRET_KEY="a key for this check alone",
            MLFLOW_AUTH_ADMIN_USERNAME=NAME,
            MLFLOW_AUTH_ADMIN_PASSWORD=PASSWORD,
        )
        for name in ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
            environment.pop(name, None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--app-name", "basic-auth",
             "--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db", "--artifacts-destination",
             f"{self.folder}/artifacts", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"],
            cwd=self.folder, env=environment, start_new_session=True,
            stdout=(self.folder / "log").open("ab"), stderr=subprocess.STDOUT,
        )
        if wait:
            wait_for("the server", self.is_up, 180)

    def is_up(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
        try:
            return urllib.request.urlopen(f"{self.url}/health", timeout=2).status == 200
        except OSError:
            return False

    def kill(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Product:
    def __init__(self, program, folder, server):
        self.program, self.data, self.started = program, Path(folder) / "data", []
        self.resources = Path(folder) / "resources"
        shutil.copytree(ROOT / "resources", self.resources)
        self.environment = dict(
            os.environ,
            DATA_DIR=str(self.data), RESOURCES_DIR=str(self.resources), MLFLOW_TRACKING_URI=server.url,
            MLFLOW_TRACKING_USERNAME=NAME, MLFLOW_TRACKING_PASSWORD=PASSWORD, LOG="info", LOG_FORMAT="json",
        )
        for name in ("MLFLOW_TRACKING_TOKEN", "MLFLOW_EXPERIMENT_NAME"):
            self.environment.pop(name, None)

    def command(self, *arguments):
        return [self.program, *map(str, arguments)]

    def run(self, *arguments, code=0, given=None, **more):
        done = subprocess.run(self.command(*arguments), env={**self.environment, **more}, cwd=self.data.parent,
                              capture_output=True, text=True, input=given or "", timeout=600)
        assert done.returncode == code, (arguments, done.returncode, done.stdout[-2000:], done.stderr[-3000:])
        return done

    def start(self, *arguments, **more):
        started = subprocess.Popen(self.command(*arguments), env={**self.environment, **more}, cwd=self.data.parent,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.started.append(started)
        return started

    def kill(self):
        """Whatever still runs: nothing is left behind where a check fails."""
        for process in self.started:
            process.kill()


def examples(folder):
    """Short examples in the product's own form."""
    lines = (ROOT / "resources/fine_tuning/valid.jsonl").read_text().splitlines()
    lines.sort(key=len)
    for name, part in (("train", lines[:24]), ("valid", lines[24:32])):
        (folder / f"{name}.jsonl").write_text("".join(line + "\n" for line in part))
    return folder / "train.jsonl", folder / "valid.jsonl"


def shape_of(adapter):
    """Rank and alpha of an adapter in MLX's layout, as `train` takes them."""
    lora = json.loads((adapter / "adapter_config.json").read_text())["lora_parameters"]
    return {"rank": lora["rank"], "alpha": lora["rank"] * lora["scale"]}


def train(product, server, folder):
    """A run whose server is killed while it goes on, and comes back. The adapter is the shipped one, hardly changed."""
    data, valid = examples(folder)
    out = product.data / "adapters" / "checked"
    lora = shape_of(ADAPTER)
    run = product.start(
        "train", "--data", data, "--valid", valid, "--from", ADAPTER, "--rank", lora["rank"], "--alpha", lora["alpha"],
        "--learning-rate", "1e-7", "--steps", STEPS, "--batch-size", "1", "--validate-every", "12",
        "--out", out, "--json",
    )
    rest = []
    listener = threading.Thread(target=lambda: rest.extend(run.stderr))
    listener.start()
    events, pauses, last, working, killed = [], {True: [], False: []}, None, [], None
    for line in run.stdout:
        event, now = json.loads(line), time.monotonic()
        events.append(event)
        if event["event"] == "started":
            last = now
        if event["event"] != "step":
            continue
        away = killed is not None and now - killed < 5
        pauses[away].append(now - last)
        last = now
        if event["step"] == 4:
            server.kill()
            killed = now
        if event["step"] == 12:
            server.start(wait=False)
        # The processor's time of the thread that sends, in hundredths of a second.
        for task in Path(f"/proc/{run.pid}/task").glob("*") if sys.platform == "linux" else []:
            try:
                fields = (task / "stat").read_text()
                if "(mlflow)" in fields:
                    working.append(sum(map(int, fields.rsplit(")", 1)[1].split()[11:13])))
            except OSError:
                pass
    run.wait()
    listener.join()
    assert run.returncode == 0, (events[-1:], "".join(rest)[-3000:])
    told = next(event for event in events if event["event"] == "tracked")
    wait_for("the server after it was killed", server.is_up, 180)
    sent_later = not told["whole"]
    if sent_later:
        product.run("mlflow", "send", out)
    report = next(event for event in events if event["event"] == "finished")
    figures = {
        "steps": STEPS,
        "seconds": round(report["seconds"], 2),
        "listener_ms": told["spent_ms"],
        "longest_step_delay_ms": told["longest_ms"],
        "sender_cpu_s": max(working, default=0) / 100,
        "step_s_median": round(statistics.median(pauses[False]), 3),
        "step_s_median_while_away": round(statistics.median(pauses[True]), 3) if pauses[True] else None,
        "sent_later": sent_later,
    }
    return out, events, figures


def check_run(client, out, events):
    experiment = client.get_experiment_by_name(EXPERIMENT)
    runs = client.search_runs([experiment.experiment_id])
    assert len(runs) == 1, [run.info.run_id for run in runs]
    run = runs[0]
    assert run.info.status == "FINISHED" and run.info.run_name == "checked", run.info
    params = run.data.params
    assert params["lora.rank"] == str(shape_of(ADAPTER)["rank"]) and params["learning_rate"] == "1e-7" and params["batch_size"] == "1", params
    told = {event["step"]: event["loss"] for event in events if event["event"] == "step"}
    for name, wanted in (
        ("loss", told),
        ("validation_loss", {event["step"]: event["loss"] for event in events if event["event"] == "validated"}),
    ):
        points = client.get_metric_history(run.info.run_id, name)
        assert len(points) == len(wanted), (name, len(points), len(wanted))
        for point in points:
            # A number that was JSON in between may have another last digit.
            assert math.isclose(point.value, wanted[point.step], rel_tol=1e-12), (name, point, wanted[point.step])
        assert {point.step for point in points} == set(wanted), name
    assert len(told) == STEPS
    hashes = {"training": digest(out / "train.rendered.jsonl"), "validation": digest(out / "valid.rendered.jsonl")}
    for item in run.inputs.dataset_inputs:
        context = next(tag.value for tag in item.tags if tag.key == "mlflow.data.context")
        assert item.dataset.digest == hashes[context][:32], context
        assert run.data.tags[f"data.{context}.sha256"] == hashes.pop(context)
    assert not hashes, hashes
    names = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert names == {"loss.svg", "run.json", "adapters.safetensors", "adapter_config.json", "adapter.gguf"}, names
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            assert digest(client.download_artifacts(run.info.run_id, name, folder)) == digest(out / name), name
    version = client.get_model_version_by_alias(MODEL, "candidate")
    assert version.run_id == run.info.run_id and version.version == "1", version
    assert version.tags["adapter.sha256"] == digest(out / "adapter.gguf")
    model = client.get_logged_model(version.source.removeprefix("models:/"))
    assert str(model.status).endswith("READY") and model.source_run_id == run.info.run_id, model
    import mlflow

    with tempfile.TemporaryDirectory() as folder:
        got = Path(mlflow.artifacts.download_artifacts(f"models:/{MODEL}@candidate", dst_path=folder))
        assert digest(got / "adapter.gguf") == digest(out / "adapter.gguf")
    return run


def check_gate(client, product, folder, run):
    """The first one becomes champion, a worse one does not, one that is as good does."""
    cases = folder / "cases.jsonl"
    lines = (ROOT / "resources/eval/replies.jsonl").read_text().splitlines()
    # Some of the first are spoken by rule, and the gate wants facts in the model's own words.
    chosen = lines[: CASES - 1] + [next(line for line in lines if '"order"' in line)]
    cases.write_text("".join(line + "\n" for line in chosen))
    told = json.loads(product.run("promote", "--cases", cases, "--json").stdout)
    assert told["promoted"] and told["champion"] is None, told
    assert client.get_model_version_by_alias(MODEL, "champion").version == "1"
    scores = told["scores"]
    kept = client.get_run(run.info.run_id)
    assert scores and all(kept.data.metrics[name] == value for name, value in scores.items()), kept.data.metrics
    first = client.get_model_version(MODEL, "1")
    for change, code, champion in ((-0.25, 1, "1"), (0.0, 0, "3")):
        other = client.create_run(run.info.experiment_id, run_name="another")
        for name, value in scores.items():
            client.log_metric(other.info.run_id, name, value + (change if name == "eval.facts" else 0))
        client.set_tag(other.info.run_id, "eval.set", kept.data.tags["eval.set"])
        client.set_terminated(other.info.run_id)
        version = client.create_model_version(
            MODEL, first.source, other.info.run_id, tags=first.tags, model_id=first.source.removeprefix("models:/"))
        client.set_registered_model_alias(MODEL, "candidate", version.version)
        done = product.run("promote", "--cases", cases, "--json", code=code)
        assert json.loads(done.stdout)["promoted"] == (code == 0), done.stdout
        assert client.get_model_version_by_alias(MODEL, "champion").version == champion
    return scores


def check_evaluation(client, run, scores):
    """The candidate was measured: metrics, a table, and each case with a verdict."""
    import mlflow

    experiment = run.info.experiment_id
    (told,) = client.search_runs([experiment], "attributes.run_name = 'eval'")
    assert told.info.status == "FINISHED", told.info
    assert all(math.isclose(told.data.metrics[name], value) for name, value in scores.items()), told.data.metrics
    mlflow.set_experiment(experiment_id=experiment)
    table = mlflow.load_table("evaluation.json", run_ids=[told.info.run_id])
    assert len(table) == CASES and list(table["case"]), table
    traces = client.search_traces(locations=[experiment], run_id=told.info.run_id)
    verdicts = [verdict for trace in traces for verdict in trace.info.assessments]
    assert len(traces) == CASES and len(verdicts) == CASES, (len(traces), len(verdicts))
    assert all(verdict.name == "rules" and verdict.source.source_type == "CODE" for verdict in verdicts), verdicts


class House:
    """The restaurant, open."""

    def __init__(self, product, *arguments, **more):
        self.lines = []
        self.process = product.start("serve", "--port", "0", *arguments, **more)
        threading.Thread(target=lambda: self.lines.extend(self.process.stderr), daemon=True).start()
        self.url = wait_for("the restaurant", self.opened, 180)
        self.cookie = None

    def opened(self):
        assert self.process.poll() is None, "".join(self.lines)[-3000:]
        found = re.search(r"is open at (http://\S+)", "".join(self.lines))
        return found and found.group(1)

    def post(self, path, body):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), {"content-type": "application/json"})
        if self.cookie:
            request.add_header("cookie", self.cookie)
        with urllib.request.urlopen(request, timeout=120) as answer:
            cookie = answer.headers.get("set-cookie")
            self.cookie = self.cookie or (cookie and cookie.split(";")[0])
            return answer.read().decode()

    def say(self, message):
        """The turn's id and the whole reply."""
        events = re.findall(r"event: (\w+)\ndata: (.*)", self.post("/chat", {"message": message}).replace("\r", ""))
        data = [(name, json.loads(value)) for name, value in events]
        assert data and data[-1][0] == "done", data[-3:]
        turn = next(value["turn_id"] for name, value in data if name == "turn")
        return {"turn_id": turn, "reply": "".join(value["text"] for name, value in data if name == "token")}

    def says(self, words):
        return any(words in line for line in self.lines)

    def close(self):
        self.process.terminate()
        assert self.process.wait(60) == 0, "".join(self.lines)[-3000:]


def spans_of(client, trace_id):
    trace = client.get_trace(trace_id)
    return trace, {span.name: span for span in trace.data.spans}


def check_tree(trace, spans, found):
    root = spans["turn"]
    assert root.parent_id is None and root.span_type == "AGENT"
    for name, kind, parent in (
        ("understand", "PARSER", "turn"), ("embed", "EMBEDDING", "understand"), ("prompt", "CHAIN", "turn"),
        ("engine", "CHAT_MODEL", "turn"), ("check", "GUARDRAIL", "turn"),
    ):
        span = spans[name]
        assert span.span_type == kind and span.parent_id == spans[parent].span_id, (name, span.span_type)
        assert root.start_time_ns <= span.start_time_ns <= span.end_time_ns <= root.end_time_ns, name
    tool = next(span for name, span in spans.items() if name.startswith("tool "))
    retrieve = spans["retrieve"]
    assert retrieve.span_type == "RETRIEVER" and retrieve.parent_id == tool.span_id, retrieve
    entries = [entry["page_content"] for entry in retrieve.outputs]
    assert any(found in entry for entry in entries), entries
    usage = spans["engine"].attributes["mlflow.chat.tokenUsage"]
    assert usage["input_tokens"] > 20 and usage["output_tokens"] > 0, usage
    total = trace.info.token_usage
    assert total["total_tokens"] == usage["total_tokens"], (total, usage)
    return entries


def check_turns(client, product, run):
    """Turns of a guest, the alias that is followed while they are served, and what the traces tell."""
    house = House(product, "--adapter", f"mlflow:{MODEL}@champion", MLFLOW_FOLLOW_S="1")
    taken = product.data / "adapters" / f"{MODEL}-v3" / "adapter.gguf"
    assert digest(taken) == client.get_model_version(MODEL, "3").tags["adapter.sha256"]
    guest = "What comes in the Recursive Ranch wrap, I whisper as Zebulon?"
    first = house.say("Hello there")
    second = house.say("How much are the fries?")
    third = house.say(guest)
    client.set_registered_model_alias(MODEL, "champion", "1")
    try:
        wait_for("the manner of version 1", lambda: house.says("manner changed"))
    except AssertionError as error:
        raise AssertionError(f"{error}\n{''.join(house.lines[-30:])}") from None
    turns = [answer["turn_id"] for answer in (first, second, third)]
    for turn in turns:
        wait_for("a trace", lambda: any(t.info.trace_id == f"tr-{turn}" for t in traces_of(client, run)), 60, 0.5)
    house.post(f"/chat/{turns[1]}/feedback", {"thumb": "up"})
    trace, spans = spans_of(client, f"tr-{turns[1]}")
    entries = check_tree(trace, spans, "Fries")
    sessions = {client.get_trace(f"tr-{turn}").info.trace_metadata["mlflow.trace.session"] for turn in turns}
    assert len(sessions) == 1, sessions
    # No words of the guest, and none of the staff, unless they are wanted.
    everything = json.dumps([span.to_dict() for turn in turns for span in spans_of(client, f"tr-{turn}")[1].values()])
    for words in ("Zebulon", "whisper", second["reply"][:40]):
        assert words and words not in everything, words
    wait_for("the thumb", lambda: any(
        verdict.name == "thumb" and verdict.value is True and verdict.source.source_type == "HUMAN"
        for verdict in client.get_trace(f"tr-{turns[1]}").info.assessments), 60, 0.5)
    house.close()
    # With words, through another door.
    product.run("chat", given=guest + "\n", TRACE_WORDS="on")
    told = [trace for trace in traces_of(client, run)
            if any("Zebulon" in json.dumps(span.to_dict()) for span in trace.data.spans)]
    assert len(told) == 1, len(told)
    root = next(span for span in told[0].data.spans if span.parent_id is None)
    assert root.inputs["guest"] == guest and root.outputs["reply"], root.outputs
    return {"entries": entries, "spans": len(spans)}


def traces_of(client, run):
    return client.search_traces(locations=[run.info.experiment_id], max_results=100)


def check_prompts(client, product):
    """The restaurant registered them when it opened; the same text makes no version, another one does."""
    import mlflow

    def version(name, number):
        return mlflow.genai.load_prompt(f"prompts:/{MODEL}.{name}/{number}")

    assert version("turn", 1).template == "Facts:\n- {{facts}}\nNow: {{instruction}}\nGuest: {{guest}}"
    assert len(version("rosy", 1).template) > 50
    unchanged = product.run("mlflow", "prompts").stdout
    assert unchanged.count("unchanged") == 3 and "new" not in unchanged, unchanged
    persona = product.resources / "personas" / "rosy.yaml"
    persona.write_text(persona.read_text().replace("prompt: >-\n", "prompt: >-\n  You wear a paper hat.\n", 1))
    changed = product.run("mlflow", "prompts").stdout
    assert changed.count("unchanged") == 2 and f"{MODEL}.rosy  version 2  new" in changed, changed
    assert "paper hat" in version("rosy", 2).template and "paper hat" not in version("rosy", 1).template
    # The client notes in threads of its own which experiment a prompt was loaded for: they need the server still.
    for thread in threading.enumerate():
        if thread.name.startswith("link_prompt"):
            thread.join(60)


def check_refusals(product):
    wrong = product.run("mlflow", "check", code=1, MLFLOW_TRACKING_PASSWORD="wrong").stderr
    assert "does not accept the key (status 401)" in wrong and "MLFLOW_TRACKING_PASSWORD" in wrong, wrong
    nobody = product.run("mlflow", "check", code=1, MLFLOW_TRACKING_URI=f"http://127.0.0.1:{free_port()}").stderr
    assert "cannot be reached" in nobody, nobody
    none = product.run("promote", code=2, MLFLOW_TRACKING_URI="").stderr
    assert "MLFLOW_TRACKING_URI is not set" in none and "make mlflow" in none, none
    assert "MLflow 3." in product.run("mlflow", "check").stdout


class Collector(http.server.BaseHTTPRequestHandler):
    """Takes traces and does nothing with them: a server of MLflow would need the cores that the turns are timed on."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


def time_turns(product, turns):
    """Milliseconds of turns with traces and without, in turn about, on two restaurants that are open at once. Which is
    opened first makes a difference of its own, so each is the first of one half."""
    questions = ["How much are the fries?", "What is in the Turing Turkey?", "When do you close on Sunday?"]
    collector = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    more = {"RATE_PER_ADDRESS_PER_MINUTE": "10000", "MLFLOW_TRACKING_URI": ""}
    traced = {"on": {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}"}, "off": {}}
    times = {name: [] for name in traced}
    for opened in (["on", "off"], ["off", "on"]):
        houses = {name: House(product, **more, **traced[name]) for name in opened}
        for number in range(-6, turns // 2):
            for name in sorted(houses, reverse=number % 2 == 0):
                houses[name].cookie = None
                began = time.monotonic()
                houses[name].say(questions[number % len(questions)])
                if number >= 0:
                    times[name].append((time.monotonic() - began) * 1e3)
        for house in houses.values():
            house.close()
    percentile = {name: statistics.quantiles(of, n=100) for name, of in times.items()}
    figures = {name: {"mean_ms": round(statistics.mean(of), 2), "p50_ms": round(percentile[name][49], 2),
                      "p95_ms": round(percentile[name][94], 2)} for name, of in times.items()}
    # The model speaks the first: its words are drawn anew, so its times vary. The others are spoken by rule.
    parts = {"spoken_by_rule": lambda at: at % (turns // 2) % len(questions) > 0,
             "spoken_by_model": lambda at: at % (turns // 2) % len(questions) == 0}
    for part, fits in parts.items():
        figures[part] = {name: round(statistics.median(ms for at, ms in enumerate(of) if fits(at)), 2)
                         for name, of in times.items()}
    return {"turns": turns, **figures}


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("program")
    arguments.add_argument("--turns", type=int, default=0)
    options = arguments.parse_args()
    found = {}
    with tempfile.TemporaryDirectory(prefix="gemma-burger-mlflow-") as folder:
        folder = Path(folder)
        server = Server(folder / "server")
        began = time.monotonic()
        server.start()
        found["server_start_s"] = round(time.monotonic() - began, 1)
        # The client would report its use to its makers, and wait for them at the end.
        os.environ.update(MLFLOW_TRACKING_URI=server.url, MLFLOW_TRACKING_USERNAME=NAME,
                          MLFLOW_TRACKING_PASSWORD=PASSWORD, MLFLOW_DISABLE_TELEMETRY="true")
        import mlflow

        client = mlflow.MlflowClient(server.url, server.url)
        product = Product(os.path.abspath(options.program), folder, server)
        try:
            if options.turns:
                print(json.dumps(time_turns(product, options.turns)))
                return
            say("a wrong key, nobody there")
            check_refusals(product)
            say("a run whose server is killed")
            out, events, found["train"] = train(product, server, folder)
            say("the run, read back")
            say(json.dumps(found["train"]))
            run = check_run(client, out, events)
            say("the gate")
            found["scores"] = check_gate(client, product, folder, run)
            check_evaluation(client, run, found["scores"])
            say("turns")
            found["traces"] = check_turns(client, product, run)
            say("prompts")
            check_prompts(client, product)
        finally:
            product.kill()
            server.kill()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
