#!/usr/bin/env python3
"""Starts the product on a free port with a data folder of its own, waits until it is ready, and tries its pages in a
real browser (web/tests/browser.py).

    e2e.py --binary target/release/gemma-burger [--shot docs/images/chat.png]
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN_S = 120
# Who works in the kitchen and at the desk during the checks.
STAFF = ("Ana", "burger and fries")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_ready(base, server):
    deadline = time.monotonic() + READY_WITHIN_S
    last = "no answer"
    while time.monotonic() < deadline:
        if server.poll() is not None:
            sys.exit(f"e2e: the server ended with {server.returncode}")
        try:
            with urllib.request.urlopen(base + "/health/ready", timeout=2):
                return
        except urllib.error.HTTPError as error:
            last = error.read().decode(errors="replace")
        except OSError:
            pass
        time.sleep(0.2)
    sys.exit(f"e2e: not ready after {READY_WITHIN_S} s: {last}")


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--binary", required=True)
    options.add_argument("--shot")
    options = options.parse_args()
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as data:
        command = [options.binary, "serve", "--port", str(port), "--data-dir", data]
        subprocess.run([options.binary, "staff", "add", STAFF[0]], cwd=ROOT, env={**os.environ, "DATA_DIR": data},
                       input=STAFF[1] + "\n", text=True, check=True, stdout=subprocess.DEVNULL)
        server = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "LOG": "warn"})
        try:
            wait_until_ready(base, server)
            browser = [sys.executable, str(ROOT / "web/tests/browser.py"), "--base-url", base, "--staff", ":".join(STAFF)]
            code = subprocess.call(browser + (["--shot", options.shot] if options.shot else []))
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
    sys.exit(code)


if __name__ == "__main__":
    main()
