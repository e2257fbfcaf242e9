// The box's own radios: the Wi-Fi that it is on, and the Bluetooth door for a phone.

import * as box from "./box.js";
import { frame, paint } from "./delivery.js";
import { byId, el, keyed, setText, show } from "./dom.js";
import { GAP } from "./format.js";

const BUSY_STEPS = new Set(["scanning", "connecting", "authenticating", "getting_address", "checking_internet"]);
const DOOR_STATES = {
  closed: ["Closed", "new"],
  open: ["Open", "online"],
  connected: ["Phone connected", "online"],
  paused: ["Paused", "retrying"],
  no_adapter: ["No adapter", "new"],
};

// 180 → 3 minutes, 90 → 90 seconds.
function span(seconds) {
  const minutes = seconds / 60;
  if (!Number.isInteger(minutes)) return `${Math.round(seconds)} seconds`;
  return minutes === 1 ? "1 minute" : `${minutes} minutes`;
}

// 161 → 2:41, as a clock that runs down shows it.
function clock(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}${GAP}min`;
}

function wifiCard() {
  const parts = frame("Wi-Fi");
  parts.node.classList.add("wifi");
  return {
    node: parts.node,
    update({ available, message, connected, progress }) {
      const { step, reason, message: words } = progress;
      if (BUSY_STEPS.has(step)) paint(parts, "Under way", "connecting", words, "");
      else if (!available) paint(parts, "None", "new", message, "");
      else paint(parts, connected ? "Connected" : "Not connected", connected ? "online" : "new", message, "");
      const failed = step === "failed" && available && reason !== "unavailable";
      show(parts.error, failed);
      setText(parts.error, failed ? `Last attempt, ${progress.ssid}: ${words}` : "");
    },
  };
}

function doorWords({ open, legacy_apps, service }, left) {
  if (service === null) return "No Bluetooth service runs on this box, or it has not reported yet.";
  const time = left === null ? "" : ` for another ${clock(left)}`;
  switch (service.state) {
    case "open":
      return `A phone can set this box up${time}.${legacy_apps ? " Apps without the code on its label as well." : ""}`;
    case "connected":
      return `A phone is connected. The door stays open${time}.`;
    case "paused":
      return `Too many failed attempts: closed${time}.`;
    case "no_adapter":
      return "This box has no Bluetooth adapter, or it is switched off.";
    default:
      return open ? "Opening…" : "No phone gets in. Open it when you stand beside the box with yours.";
  }
}

function doorCard(context) {
  const parts = frame("Bluetooth");
  const button = el("button", { type: "button" });
  const failure = el("p", { class: "error-words", role: "alert" });
  parts.node.classList.add("door");
  parts.node.append(failure, el("div", { class: "card-foot" }, button));
  let wanted = true;
  let told = null;
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await box.askWindow(wanted);
      setText(failure, "");
      context.announce(wanted ? "Bluetooth is being opened." : "Bluetooth is being closed.");
    } catch (error) {
      setText(failure, error.message);
    }
    button.disabled = false;
  });
  return {
    node: parts.node,
    update(door) {
      const { service } = door;
      const state = service?.state ?? "";
      const [label, tone] = DOOR_STATES[state] ?? ["Not running", "new"];
      const until = service?.until_s ?? null;
      const left = until === null ? null : until - context.sinceSnapshotMs() / 1000;
      paint(parts, label, tone, doorWords(door, left), "");
      const problem = service?.problem ?? "";
      show(parts.error, problem !== "");
      setText(parts.error, problem);
      parts.list.set(service?.name ? [["Name on the phone", service.name]] : []);
      if (told !== null && told !== label) context.announce(`Bluetooth: ${label}`);
      told = label;
      wanted = !["open", "connected"].includes(state);
      setText(button, wanted ? `Open Bluetooth for ${span(door.window_s)}` : "Close Bluetooth");
      button.className = wanted ? "primary" : "";
      show(button.parentElement, service !== null && state !== "no_adapter");
    },
  };
}

export function radioCards(context) {
  const makers = { wifi: wifiCard, door: doorCard };
  const update = keyed(byId("radios"), ({ what }) => {
    const card = makers[what](context);
    return { node: card.node, update: ({ value }) => card.update(value) };
  });
  return ({ wifi, bluetooth }) => {
    const items = [];
    if (wifi) items.push({ what: "wifi", value: wifi });
    if (bluetooth) items.push({ what: "door", value: bluetooth });
    show(byId("radio"), items.length > 0);
    update(items, ({ what }) => what);
  };
}
