#!/usr/bin/env python3
"""Tries the pages in a real browser: headless Chromium through ChromeDriver, Python's standard library only.

    browser.py                                   all checks, against the stub of the protocol beside this file
    browser.py --base-url http://127.0.0.1:3000  the checks that hold for any server, against a running product
    browser.py --shot out.png                    also writes out.png, out-dark.png and out-phone.png

Prints a line for each check; the exit code is 1 if one failed.
"""

import argparse
import re
import sys
import time
import traceback
from pathlib import Path

import stub
from webdriver import Browser

# Whether the page waits for the guest, everything typed.
READY = "return document.getElementById('stop').hidden && !document.querySelector('.dots')"
LAST_REPLY = "[...document.querySelectorAll('#log .msg:not(.from-guest) .text')].at(-1)"
INJECTION = "<img src=x onerror=\"window.pwned=1\"><script>window.pwned=2</script> & what do you have?"
# Grows while a reply is typed: the distinct lengths that were on the page.
WATCH = f"""window.lengths = [];
  new MutationObserver(() => {{ const n = {LAST_REPLY}?.textContent.length ?? 0; if (n !== lengths.at(-1)) lengths.push(n); }})
  .observe(document.getElementById('log'), {{subtree: true, childList: true, characterData: true}});"""
# Text that stands out too little from what is behind it (WCAG AA: 4.5, large text 3), as [[selector, ratio], …].
CONTRAST = """
  const rgba = (css) => { const c = new OffscreenCanvas(1, 1).getContext('2d'); c.fillStyle = css; c.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = c.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const behind = (node) => { for (let n = node; n; n = n.parentElement) { const c = rgba(getComputedStyle(n).backgroundColor); if (c[3] > .99) return c; } return [255, 255, 255]; };
  const poor = [];
  for (const node of document.querySelectorAll('body *')) {
    const text = [...node.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    const style = getComputedStyle(node);
    if (!text || node.closest('.sr, :disabled, [aria-disabled], .served .ticket') || !node.checkVisibility()) continue;
    const [a, b] = [light(rgba(style.color)), light(behind(node))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.6 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) poor.push([node.tagName + '.' + node.className, Math.round(ratio * 100) / 100]);
  }
  return poor;"""


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def same(actual, expected, what):
    check(actual == expected, f"{what}: {actual!r} is not {expected!r}")


class Guest:
    """What a guest does at the page."""

    def __init__(self, browser, base):
        self.b = browser
        self.base = base
        self.trickles = False
        self.staff = ["", ""]
        self.log = []

    def arrive(self, path="/"):
        """Opens a page as a new guest."""
        self.b.open(self.base + path)
        self.collect()
        self.b.cdp("Network.clearBrowserCookies")
        self.b.run("sessionStorage.clear()")
        self.b.reload()
        self.b.wait("return document.readyState === 'complete'", "page loaded")

    def collect(self):
        """Keeps what the console said: the browser hands it out once."""
        self.log += self.b.console()

    def write(self, text):
        self.b.run("document.getElementById('message').focus()")
        self.b.type(text, "enter")

    def ask(self, text):
        """Sends a message and waits for the whole reply; answers with its words."""
        before = self.b.run("return document.querySelectorAll('#log .from-guest').length")
        self.write(text)
        self.b.wait(f"return document.querySelectorAll('#log .from-guest').length > {before}", "the message is on the page")
        self.b.wait(READY, f"a reply to {text!r}", 90)
        return self.reply()

    def reply(self):
        return self.b.run(f"return {LAST_REPLY}?.textContent ?? ''")

    def said(self):
        """What was read aloud."""
        return self.b.run("return [...document.querySelectorAll('#spoken p')].map(p => p.textContent)")

    def text(self, selector):
        return self.b.run("return document.querySelector(arguments[0])?.textContent ?? ''", selector)

    def sees(self, selector):
        return self.b.run("return document.querySelector(arguments[0])?.checkVisibility() ?? false", selector)


# ---- Checks that hold for any server ------------------------------------------------------------------------------

def greeting(g):
    g.arrive()
    check(g.sees("#log .from-rosy .bubble"), "Rosy greets")
    check("Rosy" in g.text("#log .from-rosy .who"), "the greeting has a name")
    same(g.b.run("return document.querySelectorAll('#chips button').length"), 4, "suggestions")
    same(g.b.run("return document.activeElement.id"), "message", "the focus is in the message box")


def policy(g):
    value = g.b.run("return fetch('/').then(r => r.headers.get('content-security-policy'))") or ""
    for part in ("default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
        check(part in value, f"{part} in the policy")
    check("unsafe" not in value, "nothing unsafe in the policy")


def keyboard(g):
    g.b.run("document.body.tabIndex = -1; document.body.focus()")
    g.b.type("", "tab")
    same(g.b.run("return document.activeElement.className"), "skip", "the first stop is the skip link")
    g.b.type("", "enter")
    g.b.wait("return document.activeElement.id === 'message'", "the skip link leads to the message box")
    g.b.run(WATCH)
    reply = g.ask("When do you open?")
    lengths = g.b.run("return lengths")
    check(len(reply) > 10, "a reply came")
    # A product sends whole checked sentences, and a rule in one piece; only the stub's words trickle.
    growing = len([n for n in lengths if 0 < n < len(reply)])
    check(growing >= 2 or not g.trickles, f"the reply grew word by word: {lengths}")
    check(re.fullmatch("Rosy|Gordon", g.b.run("return document.querySelector('#log .msg:last-of-type .who b').textContent")), "the speaker is named")
    same(g.b.run("return document.activeElement.id"), "message", "the focus stays in the message box")
    same(g.text("#message"), "", "the message box is empty")


def spoken(g):
    said = g.said()
    reply = re.sub(r"\s+", " ", g.reply())
    pieces = [re.sub(r"^\w+ says: ", "", piece) for piece in said]
    own = [piece for piece in pieces if piece in reply]
    check(own and reply.startswith(own[0]), f"the reply is read from its start: {said}")
    same(" ".join(own), reply.strip(), "read aloud")
    check(any(" says: " in piece for piece in said), "the speaker's name is said")
    check(len(own) < len(g.b.run("return lengths")), "sentence by sentence")
    same(g.b.run("return document.getElementById('log').getAttribute('aria-live')"), "off", "the conversation itself is quiet")


def injection(g):
    g.ask(INJECTION)
    time.sleep(0.3)
    same(g.b.run("return window.pwned ?? null"), None, "nothing ran")
    same(g.b.run("return document.querySelectorAll('#log img:not(.avatar):not([src=\"/logo.svg\"]), #log script').length"), 0, "no element was made")
    same(g.b.run("return [...document.querySelectorAll('.from-guest .text')].at(-1).textContent"), INJECTION, "the words are shown as they are")


def stopping(g):
    for _ in range(3):
        g.write("Please tell me a long story about everything on your menu, one by one, with every ingredient.")
        hit = g.b.call("POST", "/execute/async", {"args": [], "script": """
            const done = arguments[0], stop = document.getElementById('stop'), from = performance.now();
            const tick = () => {
              const typing = !stop.hidden && !document.querySelector('.dots');
              if (typing) { stop.click(); done(true); }
              else if (performance.now() - from > 60000 || (stop.hidden && performance.now() - from > 3000)) done(false);
              else requestAnimationFrame(tick);
            }; tick();"""})
        if hit:
            break
    check(hit, "there was a reply to stop")
    g.b.wait(READY, "the reply stops", 4)
    length = len(g.reply())
    time.sleep(0.7)
    same(len(g.reply()), length, "nothing more is written after the stop")
    same(g.b.run("return document.activeElement.id"), "message", "the focus is back in the message box")


def reload(g):
    texts = "return [...document.querySelectorAll('.from-guest .text')].map(n => n.textContent)"
    first = "return document.querySelectorAll('#log .msg:not(.from-guest) .text')[1]?.textContent"
    before, reply = g.b.run(texts), g.b.run(first)
    check(before and reply, "there is a conversation")
    g.b.reload()
    g.b.wait("return document.querySelector('.from-guest')", "the conversation is back")
    same(g.b.run(texts), before, "what the guest said")
    same(g.b.run(first).strip(), reply.strip(), "what was answered")


def phone(g):
    g.b.screen(390, 844, phone=True)
    try:
        wide = "return [document.documentElement.scrollWidth, document.getElementById('log').scrollWidth - document.getElementById('log').clientWidth]"
        same(g.b.run(wide), [390, 0], "no sideways scrolling")
        g.b.click("#cart-toggle")
        g.b.wait("return document.getElementById('sheet').open && document.querySelector('#sheet #cart')", "the order opens")
        g.b.type("", "escape")
        g.b.wait("return !document.getElementById('sheet').open && document.querySelector('#side #cart')", "Escape closes it")
        same(g.b.run("return document.activeElement.id"), "cart-toggle", "the focus returns to the button")
    finally:
        g.b.screen(1280, 860)


def names(g):
    """Every control has a name for those who don't see it, and every picture a text or none on purpose."""
    nodes = g.b.cdp("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "link", "textbox", "image", "dialog", "log", "complementary"}
    bare = [n["role"]["value"] for n in nodes if not n["ignored"] and n["role"]["value"] in roles and not n.get("name", {}).get("value")]
    same(bare, [], "without a name")
    same(g.b.run("return document.querySelectorAll('img:not([alt])').length"), 0, "pictures without alt")


def contrast(g):
    for scheme in ("light", "dark"):
        g.b.screen(1280, 860, scheme)
        same(g.b.run(CONTRAST), [], f"too faint ({scheme})")
    g.b.screen(1280, 860)


def quiet(g):
    """The console is empty but for what the browser itself says of refused requests."""
    g.collect()
    loud = [entry["message"] for entry in g.log if entry["source"] != "network"]
    loud += [entry["message"] for entry in g.log if entry["source"] == "network" and not re.search(r"status of (401|404|429)|ERR_INCOMPLETE_CHUNKED", entry["message"])]
    same(loud, [], "console")


# ---- Checks against the stub --------------------------------------------------------------------------------------

def dropped(g):
    g.arrive()
    same(g.ask("drop the line"), "One two three four five six seven eight nine ten eleven twelve. Done.", "reply over two connections")
    same(g.text("#notice"), "", "the notice is gone")


def resumed(g):
    g.write("tell me a story")
    g.b.wait(f"return {LAST_REPLY}?.textContent.startsWith('This is sentence number 1 of')", "the story has begun")
    g.b.reload()
    g.b.wait("return !document.getElementById('stop').hidden", "the reply goes on after a reload")
    g.b.wait(READY, "to its end", 60)
    same(g.reply(), stub.LONG, "the whole story, once")
    same(g.b.run("return [...document.querySelectorAll('.from-guest .text')].at(-1).textContent"), "tell me a story", "the message")


def limited(g):
    g.write("limit me")
    g.b.wait("return document.querySelector('.trouble button')?.textContent === 'Try again in 2 s'", "a countdown")
    check(g.b.run("return document.querySelector('.trouble button').disabled"), "the button waits")
    g.b.wait("return document.querySelector('.trouble button').disabled === false", "the button is ready", 5)
    before = g.b.run("return document.querySelectorAll('.from-guest').length")
    g.b.click(".trouble button")
    g.b.wait(f"return !document.querySelector('.trouble') && {LAST_REPLY}.textContent.startsWith('You said: limit me')", "the second try works")
    same(g.b.run("return document.querySelectorAll('.from-guest').length"), before, "the message is not shown twice")
    g.b.wait(READY, "the reply")


def failed(g):
    g.ask("trouble please")
    check("full just now" in g.text(".trouble"), "the server's words are shown")
    same(g.reply(), "Let me see… ", "what was said stays")
    g.b.run("document.querySelector('.trouble').remove()")


def ordered(g):
    g.ask("two classics and fries")
    check("$26.07" in g.text("#cart .total"), "the total in the currency's form")
    check("extra cheddar, no pickles" in g.text("#cart"), "options")
    g.ask("I am allergic to milk")
    check(g.sees("#notes") and "Allergy: milk" in g.text("#notes"), "the allergy is in sight")
    check("Contains milk" in g.text("#cart .warning"), "the line warns")
    g.b.click("#cart .primary")
    g.b.wait("return document.querySelector('#order-chip').textContent.includes('#42')", "the order's number")
    g.b.wait(READY, "the reply")
    g.b.wait("return document.querySelector('#order-chip').dataset.state === 'ready'", "the kitchen's news arrives by itself", 8)
    check(any("ready" in text for text in g.said()), "and is said")
    check("is ready. Enjoy" in g.text("#log .notice-line:last-of-type"), "and stands in the conversation")
    same(g.b.run("return document.querySelector('#status a').getAttribute('href')"), "/orders/o1/receipt", "the receipt")


def planned(g):
    g.ask("Dinner for two under $40")
    check("$35.96" in g.text(".plan") and "$4.04 left" in g.text(".plan"), "the plan's sums")
    check("Nothing else fits" in g.text(".plan") and "Double Stack" in g.text(".plan details"), "why, and what else")
    g.b.click(".plan > .primary")
    g.b.wait("return [...document.querySelectorAll('.from-guest .text')].at(-1).textContent === 'Add it'", "the button asks in words")
    g.b.wait(READY, "the reply")


def gordon(g):
    g.ask("my burger was cold")
    check(g.b.run("return document.querySelector('#log .msg:last-of-type').classList.contains('from-gordon')"), "Gordon answers")
    check("Gordon" in g.text("#log .notice-line:last-of-type"), "and is announced")
    g.b.click("#log .msg:last-of-type .thumb")
    g.b.wait("return document.getElementById('notice').textContent.includes('Thank you')", "the thumb arrives")
    same(stub.State.feedback[-1][1], "up", "at the server")


def person(g):
    g.ask("get me a person")
    g.b.wait("return document.querySelector('#log .from-staff')", "staff answer in the chat")
    check("Ana from our team is here" in g.text("#log"), "the guest is told that a person is there")
    check(g.sees("#person") and "Ana" in g.text("#person"), "and sees it for as long as it holds")
    check(any("Ana from our team is here" in text for text in g.said()), "and hears it")
    check("Ana" in g.text("#log .from-staff .who"), "with a name")
    replies = g.b.run("return document.querySelectorAll('#log .msg').length")
    g.write("Thank you, Ana")
    g.b.wait("return document.getElementById('notice').textContent.includes('is with Ana')", "a message for staff goes to staff")
    same(g.b.run("return document.querySelectorAll('#log .msg').length"), replies + 1, "no empty reply stays")
    g.b.reload()
    g.b.wait("return document.getElementById('person')?.textContent.includes('Ana')", "the person is still there after a reload")
    g.write("bye")
    g.b.wait("return document.getElementById('person').hidden", "the person leaves")
    check("is here again" in g.text("#log"), "which is told")
    same(g.ask("hello again")[:8], "You said", "the agents answer again")


def calm(g):
    g.b.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    same(g.b.run("return getComputedStyle(document.querySelector('.msg')).animationName"), "none", "nothing moves")
    g.arrive()
    g.b.run(WATCH)
    g.ask("When do you open?")
    text = next(r[3] for r in stub.REPLIES if r[0] == "open")
    steps = g.b.run("return lengths")
    check(all(n % 4 == 0 or n == len(text) for n in steps[1:] if n <= len(text)), f"words appear as they come: {steps}")
    g.b.screen(1280, 860)


def kitchen(g):
    g.arrive("/kitchen")
    g.b.wait("return document.activeElement.id === 'name'", "the sign-in form")
    g.b.type("ana", "tab")
    g.b.type("wrong", "enter")
    g.b.wait("return document.querySelector('.wrong').textContent.length > 0", "a wrong password is told")
    g.b.type("burger", "enter")
    g.b.wait("return document.querySelectorAll('.ticket').length === 5", "the board")
    check(g.sees(".ticket[data-id=k42] .allergens") and "peanuts" in g.text(".ticket[data-id=k42] .allergens"), "the allergy mark")
    check(g.text(".ticket[data-id=k41] .without") == "NO pickles", "what to leave out")
    age = g.text(".ticket[data-id=k42] .age")
    g.b.wait(f"return document.querySelector('.ticket[data-id=k42] .age').textContent !== {age!r}", "the age counts up", 3)
    g.b.run("document.querySelector('.ticket[data-id=k41] .move').focus()")
    g.b.type("", "enter")
    g.b.wait("return document.querySelector('.preparing .ticket[data-id=k41]')", "an order moves on by keyboard")
    same(stub.State.kitchen["k41"]["state"], "preparing", "at the server")
    same(g.b.run("return document.activeElement.closest('.ticket')?.dataset.id"), "k41", "the focus goes with it")
    for listener in stub.State.kitchen_listeners:
        listener.put(("order", dict(stub.board()[3], order_id="k43", number=43)))
    g.b.wait("return document.querySelector('.received .ticket[data-id=k43]')", "a new order arrives")


def desk(g):
    g.b.open(g.base + "/desk")
    g.b.wait("return document.querySelectorAll('.case').length === 2", "the cases")
    check("asks for a person" in g.text(".case") and "Cold food" in g.text(".case"), "what each case is")
    g.b.run("document.querySelectorAll('.case')[1].click()")
    g.b.wait("return document.querySelector('#log .said')", "the thread")
    check("<b>yesterday</b>" in g.text("#log"), "the guest's words are text")
    g.b.wait("return document.activeElement.id === 'text'", "ready to answer")
    g.b.type("I am so sorry to hear that.", "enter")
    g.b.wait("return document.querySelector('#log .from-staff')", "the answer is in the thread")
    same(stub.State.threads["t2"][-1]["text"], "I am so sorry to hear that.", "at the server")
    g.b.wait("return document.getElementById('holder').textContent.startsWith('ana has this')", "the conversation is taken over")
    stub.State.threads["t2"].append({"role": "guest", "text": "I am better now", "at": stub.now()})
    for listener in stub.State.desk_listeners:
        listener.put(("ticket", {"id": "t2"}))
    g.b.wait("return document.getElementById('log').textContent.includes('I am better now')", "the guest's words arrive by themselves")
    check("I am better now" in g.text("#spoken"), "and are said")
    g.b.click("#hand-back")
    g.b.wait("return !document.getElementById('take').hidden", "the conversation is handed back")
    g.b.click("#take")
    g.b.wait("return document.getElementById('take').hidden", "and taken again")
    g.b.click("#close")
    g.b.wait("return document.querySelectorAll('.case').length === 1 && document.getElementById('answer').hidden", "the case is closed")


def signed_out(g):
    g.b.click("#sign-out")
    g.b.wait("return document.activeElement?.id === 'name' && document.getElementById('sign-out').hidden", "the sign-in form")
    same(g.b.run("return document.querySelectorAll('.case, .said').length"), 0, "nothing stays to be read")
    same(stub.State.staff, set(), "at the server")


# ---- Checks of a whole product, staff included --------------------------------------------------------------------

def sign_in(g):
    g.b.wait("return document.activeElement?.id === 'name'", "the sign-in form")
    g.b.type(g.staff[0], "tab")
    g.b.type(g.staff[1], "enter")


def ordered_and_cooked(g):
    """An order from its first word to the table: chat, kitchen and receipt."""
    chat = g.b.here()
    g.arrive()
    for words in ("two Gemma Classics please", "that’s all, place my order", "no thanks", "yes", "yes"):
        g.ask(words)
        if g.sees("#status"):
            break
    check(g.sees("#status"), "the order is placed")
    number = re.search(r"#\d+", g.text("#status h2")).group()
    kitchen = g.b.tab()
    g.b.open(g.base + "/kitchen")
    sign_in(g)
    ticket = f"[...document.querySelectorAll('.ticket')].find(t => t.querySelector('h3').textContent === '{number}')"
    g.b.wait(f"return {ticket}", "the order is on the board")
    for state, words in (("preparing", "is preparing your order"), ("ready", "is ready. Enjoy"), ("served", "Served. Thank you")):
        g.b.run(f"{ticket}.querySelector('.move').focus()")
        g.b.type("", "enter")
        g.b.wait(f"return {ticket}.closest('.{state}')", f"the kitchen has it {state}")
        g.b.switch(chat)
        g.b.wait(f"return document.querySelector('#order-chip').dataset.state === '{state}'", f"the guest sees it {state}", 5)
        check(words in g.text("#log .notice-line:last-of-type"), f"in the conversation: {words}")
        check(any(words in text for text in g.said()), f"and read aloud: {words}")
        g.b.switch(kitchen)
    g.b.switch(chat)
    g.b.reload()
    g.b.wait("return document.querySelector('#order-chip')?.dataset.state === 'served'", "the state survives a reload")
    url = g.b.run("return document.querySelector('#status a').getAttribute('href')")
    g.b.open(g.base + url)
    check(number[1:] in g.text("p") and g.b.run("return document.querySelectorAll('tbody tr').length") == 1, "the receipt")
    same(g.b.run("return getComputedStyle(document.querySelector('td + td')).textAlign"), "right", "has its style")
    text = g.b.run("return fetch(location.pathname + '.txt').then(r => r.text())")
    check(number[1:] in text and max(map(len, text.splitlines())) <= 40, "as text of forty columns")
    g.b.switch(kitchen)
    same(g.b.run(f"return fetch('/kitchen{url}.json').then(r => r.status)"), 200, "the kitchen may read it")
    g.b.switch(chat)
    g.b.cdp("Network.deleteCookies", name="gb_session", url=g.base)
    same(g.b.run("return fetch(location.pathname).then(r => r.status)"), 401, "a stranger may not")


def handed_over(g):
    """A complaint that becomes a person's, and the agents' again."""
    chat = g.b.here()
    g.b.open(g.base + "/")
    g.b.wait("return document.readyState === 'complete'", "page loaded")
    g.b.run("sessionStorage.clear()")
    for words in ("your waiter was rude to me", "I want to speak to a human", "no", "I want to speak to a person"):
        g.ask(words)
    desk = g.b.tab()
    g.b.open(g.base + "/desk")
    g.b.wait("return document.querySelector('.case')", "the case is on the desk")
    g.b.run("[...document.querySelectorAll('.case')].at(-1).click()")
    g.b.wait("return document.querySelector('#log .said')", "the thread")
    g.b.click("#take")
    g.b.wait("return !document.getElementById('hand-back').hidden", "taken over")
    g.b.switch(chat)
    g.b.wait(f"return document.getElementById('person').textContent.includes('{g.staff[0]}')", "the guest sees who is there", 5)
    before = g.b.run("return document.querySelectorAll('#log .msg:not(.from-guest)').length")
    g.write("are you a real person?")
    g.b.wait("return document.getElementById('notice').textContent.includes('is with')", "the message goes to the person")
    same(g.b.run("return document.querySelectorAll('#log .msg:not(.from-guest)').length"), before, "the agents are silent")
    g.b.switch(desk)
    g.b.wait("return document.getElementById('log').textContent.includes('are you a real person?')", "the desk reads it at once", 5)
    g.b.run("document.getElementById('text').focus()")
    g.b.type("Yes, and I am sorry.", "enter")
    g.b.switch(chat)
    g.b.wait("return [...document.querySelectorAll('.from-staff .text')].at(-1)?.textContent === 'Yes, and I am sorry.'", "the guest reads the answer", 5)
    check(g.staff[0] in g.text(".from-staff .who"), "with a name")
    g.b.reload()
    g.b.wait(f"return document.getElementById('person')?.textContent.includes('{g.staff[0]}')", "the person is there after a reload")
    check(g.staff[0] in g.text(".from-staff .who"), "and so is the name")
    g.b.switch(desk)
    g.b.click("#hand-back")
    g.b.switch(chat)
    g.b.wait("return document.getElementById('person').hidden", "the person leaves", 5)
    check(len(g.ask("when do you open?")) > 10, "the agents answer again")
    g.b.switch(desk)
    g.b.click("#sign-out")
    g.b.wait("return document.activeElement?.id === 'name'", "staff sign out")
    g.b.switch(chat)


ANY_SERVER = [greeting, policy, keyboard, spoken, injection, reload, phone, names, contrast]
# A product's reply may be over before a hand reaches the button, so stopping is tried on the stub's slow one.
STUB_ONLY = [stopping, dropped, resumed, limited, failed, ordered, planned, gordon, person, phone, names, contrast, calm, kitchen, names, contrast, desk, names, contrast, signed_out]
# With a member of staff who may sign in.
STAFFED = [ordered_and_cooked, handed_over]


def shots(g, path):
    """A short conversation as people will see it, on a wide screen, in the dark and on a phone."""
    g.arrive()
    g.ask("What’s good here?")
    g.ask("Two classics with extra cheddar and large fries, please")
    for suffix, size in (("", (1280, 860)), ("-dark", (1280, 860, "dark")), ("-phone", (390, 844, "light", True))):
        g.b.screen(*size)
        time.sleep(0.4)
        g.b.shot(path.with_name(path.stem + suffix + path.suffix))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base-url", help="a running server; without it the stub is tried")
    parser.add_argument("--staff", metavar="NAME:PASSWORD", help="a member of staff of the running product: kitchen and desk are tried too")
    parser.add_argument("--shot", type=Path, help="where to write a picture of the page")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--chromedriver", default="/usr/bin/chromedriver")
    args = parser.parse_args()
    base = args.base_url or "http://127.0.0.1:{}".format(stub.start(0).server_address[1])
    checks = [*ANY_SERVER, *(STAFFED if args.staff else []), *([] if args.base_url else STUB_ONLY), quiet]
    wrong = 0
    with Browser(args.chromium, args.chromedriver) as browser:
        guest = Guest(browser, base.rstrip("/"))
        guest.trickles = not args.base_url
        guest.staff = (args.staff or ":").split(":", 1)
        for one in checks:
            try:
                one(guest)
                print(f"ok      {one.__name__}", flush=True)
            except Exception as error:  # a check that cannot run has failed, whatever the reason
                wrong += 1
                print(f"FAILED  {one.__name__}: {error}", flush=True)
                if not isinstance(error, AssertionError):
                    traceback.print_exc()
        if args.shot:
            shots(guest, args.shot)
    print(f"{len(checks) - wrong} of {len(checks)} checks passed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
