// Talks to the box: the stream of snapshots and the few requests. Every request has a timeout,
// and every failure becomes an Error whose message can be shown to a person.

const REQUEST_TIMEOUT_MS = 15_000;
const PROBE_TIMEOUT_MS = 90_000; // a slow device is asked one profile after the other
const SILENCE_LIMIT_MS = 15_000; // snapshots come about every second; silence is a dead connection
const RECONNECT_FIRST_MS = 1_000;
const RECONNECT_MOST_MS = 4_000; // a box restarts in a few seconds, and somebody is looking

async function answerOf(response) {
  const text = await response.text();
  let answer = null;
  try {
    answer = text ? JSON.parse(text) : null;
  } catch {
    answer = null;
  }
  if (response.ok && answer !== null) return answer;
  const words = answer?.error ?? answer?.message;
  const fallback = `The box answered ${response.status} ${response.statusText}`.trim();
  throw new Error(typeof words === "string" && words ? words : fallback);
}

// `signal` is the caller's own wish to stop; it shows as the AbortError that fetch throws.
async function ask(path, { method = "GET", body, timeout = REQUEST_TIMEOUT_MS, signal } = {}) {
  const stop = new AbortController();
  signal?.addEventListener("abort", () => stop.abort());
  const timer = setTimeout(() => stop.abort(), timeout);
  const options = { method, signal: stop.signal };
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers = { "Content-Type": "application/json" };
  }
  try {
    return await answerOf(await fetch(path, options));
  } catch (error) {
    if (signal?.aborted) throw error;
    if (stop.signal.aborted) throw new Error("The box did not answer in time. Try again.");
    if (error instanceof TypeError) throw new Error("The box cannot be reached from here now.");
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

// Who we are to the box; null for a box that has no such page, or cannot be reached now.
export async function entry() {
  try {
    return await ask("api/entry");
  } catch {
    return null;
  }
}

export function claim(secret, password, keep_tokens) {
  return ask("api/entry/claim", { method: "POST", body: { secret, password, keep_tokens } });
}

export function logIn(password) {
  return ask("api/entry/login", { method: "POST", body: { password } });
}

export const logOut = () => ask("api/entry/logout", { method: "POST" });

export function changePassword(old, fresh) {
  return ask("api/entry/password", { method: "POST", body: { old, new: fresh } });
}

export const tokens = () => ask("api/token");

export function makeToken(name, scopes) {
  return ask("api/token", { method: "POST", body: { name, scopes } });
}

export function revokeToken(id) {
  return ask("api/token", { method: "DELETE", body: { id } });
}

export const quantities = () => ask("api/quantities");
export const supported = () => ask("api/supported");

export function history(device, quantity, from, to, points) {
  return ask(`api/history?${new URLSearchParams({ device, quantity, from, to, points })}`);
}

export function probe(address, signal) {
  return ask("api/probe", { method: "POST", body: address, timeout: PROBE_TIMEOUT_MS, signal });
}

// What is undefined is left out of the request: the box finds it out.
export function addDevice({ ip, port, scheme, unit_id, user, password, profile, name }) {
  const where = { connection: "TCP", ip, port, scheme, slave_id: unit_id };
  const body = { ...where, user, password, device_type: profile, name };
  return ask("api/device", { method: "POST", body, timeout: PROBE_TIMEOUT_MS });
}

// The address of a device that is configured, with another account: the device stays.
export function changeAccount({ endpoint, unit_id, profile }, user, password) {
  const { host, port, scheme } = endpoint;
  const where = { connection: "TCP", ip: host, port, scheme, slave_id: unit_id };
  const body = { ...where, user, password, device_type: profile };
  return ask("api/device", { method: "POST", body });
}

export function removeDevice(id) {
  return ask("api/device", { method: "DELETE", body: { id } });
}

export function askWindow(open) {
  return ask("api/bluetooth/window", { method: "POST", body: { open } });
}

export function dismissNotice(id) {
  return ask(`api/notification/${encodeURIComponent(id)}`, { method: "DELETE" });
}

// Follows the stream for ever. The browser reconnects by itself after a broken connection, but
// gives up after an HTTP error and never notices a peer that vanished: both are handled here.
export function follow({ onSnapshot, onLost }) {
  let source = null;
  let heardAt = performance.now();
  let wait = RECONNECT_FIRST_MS;
  let timer = null;

  function reopen() {
    source?.close();
    source = null;
    onLost();
    clearTimeout(timer);
    timer = setTimeout(open, wait);
    wait = Math.min(wait * 2, RECONNECT_MOST_MS);
  }

  function open() {
    heardAt = performance.now();
    source = new EventSource("api/stream");
    source.addEventListener("snapshot", (event) => {
      heardAt = performance.now();
      wait = RECONNECT_FIRST_MS;
      let snapshot = null;
      try {
        snapshot = JSON.parse(event.data);
      } catch {
        return; // half a snapshot: the next one is a second away
      }
      onSnapshot(snapshot);
    });
    source.addEventListener("error", reopen);
  }

  setInterval(() => {
    if (source && performance.now() - heardAt > SILENCE_LIMIT_MS) reopen();
  }, 1000);
  window.addEventListener("online", reopen);
  open();
}
