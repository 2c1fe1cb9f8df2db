// The gateway's protocol: a message is posted, its events are read from an EventSource which the browser reconnects
// by itself with Last-Event-ID. Everything that can go wrong leaves here as one kind of error.

/** What went wrong, in words for people; `status` is HTTP's (0: no answer), `retryAfter` is in seconds. */
export class ChatError extends Error {
  constructor({ code = "unknown", message, retry_after: retryAfter, status = 0 } = {}) {
    super(message || "Something went wrong on our side. Please try again.");
    this.code = code;
    this.status = status;
    this.retryAfter = Number(retryAfter) > 0 ? Math.ceil(Number(retryAfter)) : 0;
  }
}

/** Sends JSON and reads JSON; a refusal or a lost network throws [`ChatError`]. `body` undefined means no body. */
export async function request(method, url, body, headers = {}) {
  let response;
  try {
    response = await fetch(url, {
      method,
      credentials: "same-origin",
      headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ChatError({ code: "unreachable", message: "We can’t reach the restaurant. Please check your connection and try again." });
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new ChatError({
      status: response.status,
      code: answer.code,
      message: answer.message,
      retry_after: answer.retry_after ?? response.headers.get("Retry-After"),
    });
  }
  return answer;
}

export const sendMessage = (message, key) => request("POST", "/chat", { message }, { "Idempotency-Key": key });
export const stopTurn = (turn) => request("POST", `/chat/${encodeURIComponent(turn)}/stop`);
export const sendFeedback = (turn, thumb) => request("POST", `/chat/${encodeURIComponent(turn)}/feedback`, { thumb });
export const loadHistory = () => request("GET", "/chat/history");

/** The data of an event, or null where it isn't an object or a list. */
export function parse(event) {
  try {
    const data = JSON.parse(event.data);
    return data !== null && typeof data === "object" ? data : null;
  } catch {
    return null;
  }
}

const TURN_EVENTS = ["turn", "person", "agent", "cart", "plan", "order", "sources", "token", "tool", "done"];

/**
 * Follows one turn to its end.
 *
 * `on` has a function for each event's name, which gets its data; `on.failed(ChatError)` ends the turn as `on.done`
 * does; `on.waiting(bool)` tells whether the line is down and being restored. Event ids grow within a turn, so an
 * event that comes again after a reconnection is known by its id and dropped.
 * Answers with a function that stops listening.
 */
export function followTurn(turn, on) {
  const source = new EventSource(`/chat/${encodeURIComponent(turn)}/events`);
  let last = -1;
  let open = true;
  const close = () => {
    open = false;
    source.close();
  };
  const fresh = (event) => {
    if (!open) return false;
    if (event.lastEventId === "") return true;
    const id = Number(event.lastEventId);
    if (Number.isNaN(id)) return true;
    if (id <= last) return false;
    last = id;
    return true;
  };

  for (const name of TURN_EVENTS) {
    source.addEventListener(name, (event) => {
      if (!fresh(event)) return;
      const data = parse(event);
      if (name === "done") close();
      if (data) on[name]?.(data);
      else if (name === "done") on.done?.({});
    });
  }
  source.addEventListener("open", () => on.waiting?.(false));
  // The server's own "error" event is a message; the browser's carries no data and means that the line broke.
  source.addEventListener("error", (event) => {
    if (!open) return;
    if (event instanceof MessageEvent) {
      if (!fresh(event)) return;
      close();
      on.failed(new ChatError(parse(event) ?? {}));
    } else if (source.readyState === EventSource.CLOSED) {
      close();
      on.failed(new ChatError({ code: "line_lost", message: "The line went dead before the reply was complete. Please try again." }));
    } else {
      on.waiting?.(true);
    }
  });
  return close;
}

/**
 * Listens to a lasting stream (`on`: a function for each event's name). The browser reconnects it, which
 * `on.waiting(bool)` tells; where the server refuses it, it ends, which `on.closed()` tells. Answers with the source.
 */
export function listen(url, { waiting, closed, ...on }) {
  const source = new EventSource(url);
  for (const [name, heard] of Object.entries(on)) {
    source.addEventListener(name, (event) => {
      const data = parse(event);
      if (data) heard(data);
    });
  }
  source.addEventListener("open", () => waiting?.(false));
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) closed?.();
    else waiting?.(true);
  });
  return source;
}
