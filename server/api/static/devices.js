// A card per device: what it is, how its link is, what it says; and the question before removing.

import { logsIn } from "./account.js";
import * as box from "./box.js";
import { byId, el, figures, keyed, setAttribute, setText, show } from "./dom.js";
import { age, count, moment, percent, power, quantity, timeToTheSecond } from "./format.js";
import { known, readingAge } from "./totals.js";

const STATES = {
  new: "New",
  connecting: "Connecting",
  online: "Online",
  retrying: "Retrying",
  asleep: "Asleep",
  removed: "Removed",
};

const EXCEPTIONS = {
  0: "the device closed the connection",
  1: "illegal function",
  2: "illegal data address",
  3: "illegal data value",
  4: "server device failure",
  5: "acknowledge, still working",
  6: "server device busy",
  10: "gateway path unavailable",
  11: "gateway target did not respond",
};

const HEADLINES = [
  ["pv_power", "Sun", power, "sun"],
  ["load_power", "House", power, "house"],
  ["grid_power", "Grid", power, "grid"],
  ["battery_power", "Battery", power, "battery"],
  ["battery_soc", "Charge", percent, "battery"],
  ["active_power", "To AC", power, "house"],
];
const HEADLINES_MOST = 5;

function nextTry(device, nowMs) {
  if (device.retry_at_ms === null) return "";
  const soon = device.retry_at_ms - nowMs < 90_000;
  return soon ? timeToTheSecond(device.retry_at_ms) : moment(device.retry_at_ms, nowMs);
}

export function stateWords(device, nowMs) {
  const at = nextTry(device, nowMs);
  const next = at ? `, next try at ${at}` : "";
  const since = moment(device.since_ms, nowMs);
  const words = {
    new: "new: the first connection is about to be made",
    connecting: "connecting: asking the device what it is",
    online: `online since ${since}`,
    retrying: `does not answer since ${since}${next}`,
    asleep: `asleep: does not answer${next}`,
    removed: "removed",
  };
  return words[device.state] ?? device.state;
}

function describe({ config, identity }) {
  const model = identity?.model || config.model;
  const serial = identity?.serial || config.serial;
  const parts = [model || "Model not known yet"];
  if (serial) parts.push(`serial ${serial}`);
  if (identity && !identity.verified)
    parts.push("unknown model: only what could be verified is read");
  return parts.join(" · ");
}

function headlines(values) {
  const shown = HEADLINES.filter(([name]) => known(values?.[name]));
  return shown
    .slice(0, HEADLINES_MOST)
    .map(([name, words, format, tone]) => [words, format(values[name]), tone]);
}

function valueWords(value, { kind, unit = "" }) {
  if (kind === "identity" && unit === "") return String(value); // a code is no amount
  if (kind === "bits") return quantity(value.replaceAll(",", ", "), "");
  return quantity(value, unit);
}

// In the order in which the box lists its quantities.
function allValues(values, quantities) {
  const order = new Map(Object.keys(quantities).map((name, index) => [name, index]));
  const place = (name) => order.get(name) ?? order.size;
  const names = Object.keys(values ?? {}).sort((one, other) => place(one) - place(other));
  return names.map((name) => {
    const about = quantities[name] ?? { title: name };
    const words = about.sign ? `${about.title} (${about.sign} is positive)` : about.title;
    return [words, valueWords(values[name], about)];
  });
}

function refusalRows(refused, nowMs) {
  return refused.map((each) => {
    const last = each.address + each.count - 1;
    const range = each.count > 1 ? `${each.address}–${last}` : `${each.address}`;
    const why = EXCEPTIONS[each.code] ?? "refused";
    const code = each.code ? `exception ${each.code}, ${why}` : why;
    return [`${each.space} ${range}`, `${code}, at ${moment(each.at_ms, nowMs)}`];
  });
}

function more(words) {
  const label = el("span", { text: words });
  const list = figures("figures list");
  return {
    node: el("details", {}, el("summary", {}, label), list.node),
    set(text, rows) {
      setText(label, text);
      show(this.node, rows.length > 0);
      list.set(rows);
    },
  };
}

function where({ endpoint, unit_id, profile, interval_s }) {
  const address = `${endpoint.host}:${endpoint.port}`;
  return `${address} · unit ${unit_id} · ${profile} · every ${quantity(interval_s, "s")}`;
}

function card(context, device) {
  const id = `device-${encodeURIComponent(device.config.device_id)}`;
  const parts = {
    name: el("h3", { id }),
    pill: el("span", { class: "pill" }),
    model: el("p", { class: "muted" }),
    state: el("p", { class: "state-words" }),
    error: el("p", { class: "error-words", hidden: true }),
    now: figures("headlines"),
    life: figures(),
    values: more("All values"),
    refused: more("Registers refused"),
    where: el("p", { class: "note" }),
    account: el("button", { type: "button", class: "quiet", text: "Account" }),
    remove: el("button", { type: "button", class: "quiet danger", text: "Remove" }),
    behind: el("div", { class: "behind" }),
  };
  parts.updateBehind = keyed(parts.behind, (each) => card(context, each));
  let current = device;
  parts.account.addEventListener("click", () => context.askForAccount(current));
  parts.remove.addEventListener("click", () => context.askToRemove(current));
  const actions = el("div", { class: "foot-actions" }, parts.account, parts.remove);
  const node = el(
    "article",
    { class: "card device", "aria-labelledby": id, "data-device": device.config.device_id },
    el("div", { class: "card-head" }, parts.name, parts.pill),
    parts.model,
    parts.state,
    parts.error,
    parts.now.node,
    parts.life.node,
    parts.values.node,
    parts.refused.node,
    el("div", { class: "card-foot" }, parts.where, actions),
  );
  return {
    node: el("div", { class: "family" }, node, parts.behind),
    update(next) {
      current = next;
      updateCard(parts, next, context);
    },
  };
}

function updateCard(parts, device, { snapshot, quantities, sinceSnapshotMs }) {
  const { config, latest } = device;
  const name = config.name || config.device_id;
  setText(parts.name, name);
  setAttribute(parts.remove, "aria-label", `Remove ${name}`);
  setAttribute(parts.account, "aria-label", `Account of ${name}`);
  show(parts.account, logsIn(config));
  setText(parts.pill, STATES[device.state] ?? device.state);
  setAttribute(parts.pill, "data-state", device.state);
  setText(parts.model, describe(device));
  setText(parts.state, stateWords(device, snapshot.at_ms));
  show(parts.error, device.error !== "");
  setText(parts.error, device.error && `Last error: ${device.error}`);
  parts.now.set(device.state === "online" ? headlines(latest?.values) : []);
  const readAgo = latest ? readingAge(device, snapshot) + sinceSnapshotMs() : null;
  parts.life.set([
    ["Last reading", latest ? age(readAgo) : "none yet"],
    ["Polls", count(device.polls)],
    ["Failures", count(device.failures), device.failures > 0 ? "warn" : ""],
    ["Missed beats", count(device.missed), device.missed > 0 ? "warn" : ""],
  ]);
  const values = allValues(latest?.values, quantities);
  parts.values.set(`All values (${count(values.length)})`, values);
  const refused = refusalRows(device.refused, snapshot.at_ms);
  parts.refused.set(`Registers refused (${count(refused.length)})`, refused);
  setText(parts.where, where(config));
  parts.updateBehind(behindOf(config.device_id, snapshot), idOf);
}

const idOf = (device) => device.config.device_id;

// A battery stands beneath its inverter.
function behindOf(id, { devices }) {
  return devices.filter(({ config }) => config.parent === id);
}

function withoutParent({ devices }) {
  const ids = new Set(devices.map(idOf));
  return devices.filter(({ config }) => !ids.has(config.parent));
}

export function deviceCards(container, context) {
  const update = keyed(container, (device) => card(context, device));
  return (snapshot) => update(withoutParent(snapshot), idOf);
}

export function removal(announce) {
  const dialog = byId("remove-dialog");
  const title = el("h2", { id: "remove-title" });
  const error = el("p", { class: "error-words", role: "alert" });
  const keep = el("button", { type: "button", text: "Keep it", onclick: () => dialog.close() });
  const remove = el("button", { type: "button", class: "primary danger", text: "Remove" });
  dialog.append(
    title,
    el("p", {
      text:
        "The box stops reading it, and what sits behind it. What was read so far stays and is " +
        "still delivered.",
    }),
    error,
    el("div", { class: "actions" }, keep, remove),
  );
  let device = null;
  remove.addEventListener("click", async () => {
    remove.disabled = true;
    try {
      await box.removeDevice(device.config.device_id);
      dialog.close();
      byId("main").focus({ preventScroll: true }); // the card and its button go away
      announce(`${device.config.name || device.config.device_id} was removed.`);
    } catch (failure) {
      setText(error, failure.message);
    } finally {
      remove.disabled = false;
    }
  });
  return (asked) => {
    device = asked;
    setText(title, `Remove ${asked.config.name || asked.config.device_id}?`);
    setText(error, "");
    dialog.showModal();
    keep.focus();
  };
}
