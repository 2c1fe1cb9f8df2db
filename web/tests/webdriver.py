"""A small client of the W3C WebDriver protocol: what the page tests need, with the standard library only."""

import base64
import json
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"enter": "\ue007", "tab": "\ue004", "escape": "\ue00c", "shift": "\ue008", "right": "\ue014", "down": "\ue015"}
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]


class Browser:
    """A headless Chromium with an empty profile, driven by its own ChromeDriver; use it in a `with` block."""

    def __init__(self, chromium="/usr/bin/chromium", chromedriver="/usr/bin/chromedriver"):
        self.profile = tempfile.mkdtemp(prefix="page-test-")
        self.driver = subprocess.Popen([chromedriver, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.driver.stdout:
            if "started successfully on port" in line:
                self.base = f"http://127.0.0.1:{int(line.split('port')[1].strip(' .' + chr(10)))}"
                break
        else:
            raise RuntimeError("chromedriver did not start")
        options = {"binary": chromium, "args": [*FLAGS, f"--user-data-dir={self.profile}", "--window-size=1280,860"]}
        capabilities = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        self.session = ""
        self.session = "/session/" + self.call("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})["sessionId"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait(10)
            shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, path, body=None):
        """One command; its value, or RuntimeError with the driver's words."""
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.base + self.session + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            value = json.load(error)["value"]
            raise RuntimeError(f"{method} {path}: {value['error']}: {value['message'].splitlines()[0]}") from None

    def tab(self):
        """Opens another tab, which shares this one's cookies, and goes there; answers with its name."""
        name = self.call("POST", "/window/new", {"type": "tab"})["handle"]
        self.switch(name)
        return name

    def here(self):
        return self.call("GET", "/window")

    def switch(self, name):
        self.call("POST", "/window", {"handle": name})

    def open(self, url):
        self.call("POST", "/url", {"url": url})

    def reload(self):
        self.call("POST", "/refresh")

    def run(self, script, *args):
        """Runs a function's body in the page and answers with its result."""
        return self.call("POST", "/execute/sync", {"script": script, "args": list(args)})

    def find(self, selector):
        return self.call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        self.call("POST", f"/element/{self.find(selector)}/click")

    def type(self, text, *keys):
        """Types where the focus is, then presses the named keys."""
        strokes = [(stroke, value) for value in [*text, *(KEYS[key] for key in keys)] for stroke in ("keyDown", "keyUp")]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "k", "actions": [{"type": s, "value": v} for s, v in strokes]}]})

    def wait(self, script, what, seconds=30):
        """Waits until the script answers with something true."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            value = self.run(script)
            if value:
                return value
            time.sleep(0.03)
        raise AssertionError(f"waited {seconds} s in vain: {what}")

    def cdp(self, command, **params):
        """A command of Chromium's own protocol."""
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def screen(self, width, height, scheme="light", phone=False):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if phone else 1, mobile=phone)
        self.cdp("Emulation.setTouchEmulationEnabled", enabled=phone)
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def console(self):
        """What the console said since the last call."""
        return self.call("POST", "/se/log", {"type": "browser"})

    def shot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("GET", "/screenshot")))
