#!/usr/bin/env python3
"""Plays the gateway's protocol for the pages, with Python's standard library only.

Development and tests use it where the pages are looked at without a model: `stub.py [--port 3900]`. What a message
contains decides what happens (see `REPLIES`); "drop" breaks the line in the middle of a reply and, on the
reconnection, sends some events a second time. The real product is `gemma-burger serve`.
"""

import argparse
import json
import queue
import secrets
import threading
import time
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

WEB = Path(__file__).resolve().parent.parent
CSP = ("default-src 'self'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
       "frame-ancestors 'none'; base-uri 'none'")
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".svg": "image/svg+xml"}
PAGES = {"/": "index.html", "/kitchen": "kitchen.html", "/desk": "desk.html"}

CLASSIC = {"item": "gemma-classic", "name": "The Gemma Classic", "quantity": 2, "size": None,
           "options": ["extra cheddar", "no pickles"], "unit_price": "9.99", "total": "19.98", "warnings": []}
FRIES = {"item": "python-fries", "name": "Python Fries", "quantity": 1, "size": "Large", "options": [],
         "unit_price": "3.99", "total": "3.99", "warnings": []}
CART = {"lines": [CLASSIC, FRIES], "subtotal": "23.97", "tax": "2.10", "total": "26.07", "currency": "USD", "notes": []}
EMPTY = {"lines": [], "subtotal": "0.00", "tax": "0.00", "total": "0.00", "currency": "USD", "notes": []}
PLAN = {"lines": [{"name": "The Gemma Classic", "quantity": 2, "price": "17.98"},
                  {"name": "Python Fries", "quantity": 2, "price": "7.98"},
                  {"name": "Neural Shake", "quantity": 2, "price": "10.00"}],
        "total": "35.96", "left": "4.04", "limit": "40.00", "currency": "USD",
        "why": "Nothing else fits: the cheapest thing left costs $4.50.",
        "next_dollar": "$0.96 more adds a Cache Cookie.",
        "alternatives": [{"lines": [{"name": "Gemma Double Stack", "quantity": 2, "price": "25.98"},
                                    {"name": "Python Fries", "quantity": 1, "price": "3.99"},
                                    {"name": "Neural Shake", "quantity": 2, "price": "10.00"}], "total": "39.97"}]}
MENU = [{"id": "gemma-classic", "type": "menu", "title": "The Gemma Classic"}, {"id": "python-fries", "type": "menu", "title": "Python Fries"}]
HOURS = [{"id": "hours", "type": "info", "title": "Opening hours"}]
MILK = dict(CART, notes=["Allergy: milk"], lines=[dict(CLASSIC, warnings=["Contains milk: cheddar, brioche bun"]), FRIES])

GOOD = ("The Gemma Classic is what most people come back for: a beef patty with lettuce, tomato, pickles and our secret "
        "AI sauce, for $8.99. If you’re hungrier, the **Gemma Double Stack** is $12.99. Shall I put one down for you?")
LONG = " ".join(f"This is sentence number {n} of a rather long story about our fryer." for n in range(1, 120))

# What a message contains → (agent, intent, reply, events before the reply, sources).
REPLIES = [
    ("good here", "rosy", "MENU_QA", GOOD, [], MENU),
    ("meat", "rosy", "MENU_QA", "Then the Silicon Valley Vege is for you! Its patty is made of mushrooms and black beans, and it costs $9.50.", [], MENU[:1]),
    ("$40", "rosy", "BUDGET", "Here’s a dinner for two: two Classics, two fries and two shakes for $35.96.", [("tool", {"name": "recommend_menu_by_budget", "arguments": {"limit": "40.00", "party": 2}, "ok": True, "ms": 0.4}), ("plan", PLAN)], MENU),
    ("open", "rosy", "STORE_INFO", "We’re open every day from 10:00 AM to 10:00 PM. Come by whenever you like!", [], HOURS),
    ("fries", "rosy", "ORDER", "Lovely, two Classics and large fries: $26.07 with tax. Anything to drink?", [("cart", CART)], []),
    ("allergic", "rosy", "ORDER", "Thank you for telling me, I’ve noted it. Careful: the Classic has milk in its bun.", [("cart", MILK)], MENU[:1]),
    ("place my order", "rosy", "ORDER", "It’s in! Your number is 42. I’ll tell you when it’s ready.", [("order", {"order_id": "o1", "number": 42, "state": "received", "total": "26.07", "currency": "USD", "receipt_url": "/orders/o1/receipt"}), ("cart", EMPTY)], []),
    ("cold", "gordon", "COMPLAINT", "I am sorry that your meal arrived cold. With your receipt, I can offer a full refund of that dish. Which one was it?", [], HOURS),
    ("drop", "rosy", "MENU_QA", "One two three four five six seven eight nine ten eleven twelve. Done.", [], []),
    ("story", "rosy", "OFF_TOPIC", LONG, [], []),
]


def now():
    return datetime.now(timezone.utc).isoformat()


class Turn:
    """The events of one turn; readers wait on the condition for the next one."""

    def __init__(self, session, message):
        self.id = secrets.token_hex(8)
        self.session = session
        self.message = message
        self.events = []
        self.stopped = False
        self.complete = False
        self.dropped = False
        self.changed = threading.Condition()

    def emit(self, name, data):
        with self.changed:
            self.events.append((name, data))
            self.changed.notify_all()

    def run(self):
        """Writes the reply, a few characters at a time."""
        text = self.message.lower()
        agent, intent, reply, before, sources = next(
            ((a, i, r, b, s) for key, a, i, r, b, s in REPLIES if key in text),
            ("rosy", "GREETING", f"You said: {self.message}\nHow can I help you with that?", [], []))
        self.emit("turn", {"turn_id": self.id, "session_id": self.session.id})
        if self.session.person:
            self.emit("person", {"name": self.session.person})
            self.finish("done", {"finish_reason": "stop", "usage": {}, "timings": {}})
            if "bye" in text:
                self.session.person = None
                self.session.tell("person", {"name": None})
            return
        self.emit("agent", {"name": agent, "intent": intent})
        for name, data in before:
            if name == "cart":
                self.session.cart = data
            if name == "order":
                self.session.order = data
            self.emit(name, data)
        if sources:
            self.emit("sources", sources)
        time.sleep(0.15)
        if "trouble" in text:
            self.emit("token", {"text": "Let me see… "})
            self.finish("error", {"code": "engine_busy", "message": "The kitchen of words is full just now.", "retry_after": 2})
            return
        sent = ""
        for start in range(0, len(reply), 4):
            if self.stopped:
                break
            sent += reply[start:start + 4]
            self.emit("token", {"text": reply[start:start + 4]})
            time.sleep(0.012)
        if sent:
            self.session.messages.append({"role": agent, "text": sent, "at": now()})
        self.finish("done", {"finish_reason": "stopped" if self.stopped else "stop", "usage": {"prompt_tokens": 212, "completion_tokens": len(sent) // 4},
                             "timings": {"first_token_ms": 151.2, "total_ms": 640.0}})
        if "place my order" in text:
            for state in ("preparing", "ready"):
                time.sleep(1)
                self.session.order = dict(self.session.order, state=state)
                self.session.tell("order", self.session.order)
        if "person" in text:
            time.sleep(0.3)
            self.session.person = "Ana"
            self.session.tell("person", {"name": "Ana"})
            self.session.messages.append({"role": "staff", "name": "Ana", "text": "Hello, this is Ana from the team.", "at": now()})
            self.session.tell("staff", {"name": "Ana", "text": "Hello, this is Ana from the team."})

    def finish(self, name, data):
        self.emit(name, data)
        with self.changed:
            self.complete = True
            self.changed.notify_all()


class Session:
    def __init__(self):
        self.id = secrets.token_urlsafe(16)
        self.messages = []
        self.cart = EMPTY
        self.order = None
        self.person = None
        self.listeners = []

    def tell(self, name, data):
        for listener in list(self.listeners):
            listener.put((name, data))


def board():
    """Orders as the kitchen sees them."""
    def order(number, state, age, lines, allergens=(), notes=()):
        placed = datetime.fromtimestamp(time.time() - age, timezone.utc).isoformat()
        return {"order_id": f"k{number}", "number": number, "state": state, "placed_at": placed, "lines": lines,
                "allergens": list(allergens), "notes": list(notes)}

    def line(quantity, name, size=None, options=(), without=()):
        return {"quantity": quantity, "name": name, "size": size, "options": list(options), "without": list(without)}
    return [
        order(38, "served", 2400, [line(1, "Neural Shake")]),
        order(39, "ready", 1020, [line(2, "Silicon Valley Vege"), line(1, "Python Fries", "Small")]),
        order(40, "preparing", 560, [line(1, "Gemma Double Stack", None, ["extra cheddar", "light AI sauce"], ["grilled onions"]), line(2, "Neural Shake", "Large")], ["milk", "sesame"], ["Cut in half, please"]),
        order(41, "received", 95, [line(2, "The Gemma Classic", None, [], ["pickles"]), line(1, "Python Fries", "Large")]),
        order(42, "received", 20, [line(1, "Silicon Valley Vege", None, ["avocado"])], ["peanuts"]),
    ]


class State:
    sessions = {}
    turns = {}
    kitchen = {}
    kitchen_listeners = []
    desk_listeners = []
    staff = set()
    limited = 0
    feedback = []
    tickets = [{"id": "t1", "title": "cold food", "kind": "cold_food", "state": "with_staff", "opened_at": now(), "changed_at": now(), "order_number": 38, "holder": None},
               {"id": "t2", "title": "illness", "kind": "illness", "state": "open", "opened_at": now(), "changed_at": now(), "order_number": None, "holder": None}]
    threads = {"t1": [{"role": "guest", "text": "My burger was cold and I want it free for a year", "at": now()}, {"role": "gordon", "text": "I am sorry. I can refund this burger. For anything further I will ask a colleague to join.", "at": now()}],
               "t2": [{"role": "guest", "text": "I felt sick after the shake <b>yesterday</b>", "at": now()}]}


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def handle(self):
        try:
            super().handle()
        except ConnectionError:
            pass  # the reader went away

    # -- answers ------------------------------------------------------------------------------------------------------
    def answer(self, status, data, headers=()):
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", CSP)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, code, message, **more):
        self.answer(status, {"code": code, "message": message, **more})

    def stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(b"retry: 200\n\n")
        self.wfile.flush()

    def event(self, name, data, ident=None):
        lines = ([] if ident is None else [f"id: {ident}"]) + [f"event: {name}", f"data: {json.dumps(data)}", "", ""]
        self.wfile.write("\n".join(lines).encode())
        self.wfile.flush()

    def cookie(self, name):
        for part in self.headers.get("Cookie", "").split(";"):
            key, _, value = part.strip().partition("=")
            if key == name:
                return value
        return None

    def body(self):
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")

    def session(self):
        return State.sessions.get(self.cookie("guest"))

    def signed_in(self):
        if self.cookie("staff") in State.staff:
            return True
        self.refuse(401, "sign_in", "Please sign in.")
        return False

    # -- reading ------------------------------------------------------------------------------------------------------
    def do_GET(self):
        path = self.path.split("?")[0]
        parts = path.strip("/").split("/")
        name = PAGES.get(path, path.lstrip("/"))
        if "/" not in name and Path(name).suffix in TYPES and (WEB / name).is_file():
            content = (WEB / name).read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", TYPES[Path(name).suffix])
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Security-Policy", CSP)
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(content)
        elif path == "/chat/history":
            session = self.session()
            self.answer(200, {"messages": []} if session is None else
                        {"session_id": session.id, "messages": session.messages, "cart": session.cart, "orders": [session.order] if session.order else [], **({"person": {"name": session.person}} if session.person else {})})
        elif len(parts) == 3 and parts[0] == "chat" and parts[2] == "events" and parts[1] in State.turns:
            self.turn_events(State.turns[parts[1]])
        elif path == "/session/events" and self.session():
            self.listen(self.session().listeners, [("person", {"name": self.session().person})])
        elif path == "/kitchen/events" and self.signed_in():
            self.listen(State.kitchen_listeners, [("snapshot", {"orders": list(State.kitchen.values())})])
        elif path == "/desk/events" and self.signed_in():
            self.listen(State.desk_listeners, [])
        elif path == "/desk/tickets" and self.signed_in():
            self.answer(200, {"tickets": [ticket for ticket in State.tickets if ticket["state"] != "closed"]})
        elif parts[:2] == ["desk", "tickets"] and len(parts) == 3 and parts[2] in State.threads and self.signed_in():
            ticket = next(t for t in State.tickets if t["id"] == parts[2])
            self.answer(200, {"ticket": ticket, "messages": State.threads[parts[2]], "orders": [{"order_id": "k38", "number": 38, "state": "served", "total": "5.00", "currency": "USD", "receipt_url": "/kitchen/orders/k38/receipt"}]})
        elif path not in ("/kitchen/events", "/desk/events", "/desk/tickets") or self.cookie("staff") in State.staff:
            self.refuse(404, "not_found", "There is nothing here.")

    def turn_events(self, turn):
        self.stream()
        seen = int(self.headers.get("Last-Event-ID", -1))
        # A second sending of what was seen already must not show.
        at = max(0, seen - 3) if "drop" in turn.message else seen + 1
        while True:
            with turn.changed:
                turn.changed.wait_for(lambda: at < len(turn.events) or turn.complete, timeout=10)
                pending = turn.events[at:]
                over = turn.complete and at + len(pending) == len(turn.events)
            for name, data in pending:
                self.event(name, data, at)
                at += 1
                if "drop" in turn.message and not turn.dropped and at == 9:
                    turn.dropped = True
                    return
            if over:
                return

    def listen(self, listeners, first):
        self.stream()
        mine = queue.Queue()
        listeners.append(mine)
        try:
            for name, data in first:
                self.event(name, data)
            while True:
                try:
                    self.event(*mine.get(timeout=1))
                except queue.Empty:
                    self.wfile.write(b": still here\n\n")
                    self.wfile.flush()
        except OSError:
            pass
        finally:
            listeners.remove(mine)

    # -- writing ------------------------------------------------------------------------------------------------------
    def do_POST(self):
        parts = self.path.strip("/").split("/")
        data = self.body()
        if parts == ["chat"]:
            self.chat(data)
        elif parts[0] == "chat" and len(parts) == 3 and parts[1] in State.turns:
            if parts[2] == "stop":
                State.turns[parts[1]].stopped = True
            else:
                State.feedback.append((parts[1], data["thumb"]))
            self.answer(200, {})
        elif parts == ["staff", "login"]:
            if (data.get("name"), data.get("password")) == ("ana", "burger"):
                token = secrets.token_urlsafe(16)
                State.staff.add(token)
                self.answer(200, {"name": "ana"}, [("Set-Cookie", f"staff={token}; Path=/; HttpOnly; SameSite=Strict")])
            else:
                self.refuse(401, "wrong_password", "This name and password don’t belong together.")
        elif parts == ["staff", "logout"] and self.signed_in():
            State.staff.discard(self.cookie("staff"))
            self.answer(200, {"signed_out": True})
        elif parts[:2] == ["kitchen", "orders"] and self.signed_in():
            order = State.kitchen[parts[2]]
            order["state"] = data["state"]
            for listener in State.kitchen_listeners:
                listener.put(("order", order))
            self.answer(200, order)
        elif parts[:2] == ["desk", "tickets"] and self.signed_in():
            ticket = next(t for t in State.tickets if t["id"] == parts[2])
            if parts[3] == "reply":
                State.threads[parts[2]].append({"role": "staff", "name": "ana", "text": data["text"], "at": now()})
            state, holder = {"close": ("closed", None), "hand-back": ("open", None)}.get(parts[3], ("with_staff", "ana"))
            ticket.update(state=state, holder=holder)
            for listener in State.desk_listeners:
                listener.put(("ticket", {"id": ticket["id"]}))
            self.answer(200, ticket)
        elif parts[0] not in ("kitchen", "desk", "staff"):
            self.refuse(404, "not_found", "There is nothing here.")

    def chat(self, data):
        message = data["message"]
        if "limit" in message and State.limited == 0:
            State.limited = 1
            self.refuse(429, "rate_limited", "That was a lot at once.", retry_after=2)
            return
        session = self.session() or Session()
        State.sessions[session.id] = session
        turn = Turn(session, message)
        State.turns[turn.id] = turn
        session.messages.append({"role": "guest", "text": message, "at": now()})
        threading.Thread(target=turn.run, daemon=True).start()
        self.answer(202, {"turn_id": turn.id, "session_id": session.id}, [("Set-Cookie", f"guest={session.id}; Path=/; HttpOnly; SameSite=Lax")])


def start(port):
    """Serves on this port (0: any) in the background; answers with the server."""
    State.kitchen = {order["order_id"]: order for order in board()}
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=3900)
    server = start(parser.parse_args().port)
    print(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Event().wait()
