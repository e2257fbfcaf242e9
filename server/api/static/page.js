// Puts the page together: one stream in, every part updated from the newest snapshot.
// A part that fails is reported and leaves the others alone.

import { accessCard } from "./access.js";
import { accounts } from "./account.js";
import { addingDevices } from "./add_device.js";
import * as box from "./box.js";
import { Curves } from "./curves.js";
import { deliveryCards } from "./delivery.js";
import { deviceCards, removal } from "./devices.js";
import { byId, setAttribute, setText, show } from "./dom.js";
import { energyTiles } from "./energies.js";
import { engineFigures } from "./engine.js";
import { maySee, wayIn } from "./entry.js";
import { energyFlow } from "./flow.js";
import { duration, timeToTheSecond } from "./format.js";
import { noticeList } from "./notices.js";
import { radioCards } from "./radio.js";
import { energiesToday, plantNow } from "./totals.js";

const STALE_MS = 6_000; // snapshots come about every second; this many missing is worth saying
const QUANTITIES_RETRY_MS = 10_000;

const MODES = {
  starting: "Starting",
  running: "Running",
  controlling: "Controlling: a command is in force",
  commissioning: "Waiting for its first device",
  offline: "Offline: no delivery can be reached, readings are kept",
  stopping: "Stopping",
};
const CLOCKS = {
  unsynced: "clock not set: times are a guess",
  synced: "clock synchronised",
  corrected: "clock corrected",
};

// What the parts share. `snapshot` is the newest one.
const context = {
  snapshot: null,
  quantities: {},
  announce: (words) => setText(byId("announce"), words),
  askForAccount: null,
  askToRemove: null,
  sinceSnapshotMs: () => performance.now() - receivedAt,
};
let receivedAt = 0;
let connected = false;
let first = null;
let parts = [];
let ageing = []; // the parts that show how long ago something was

function header({ gateway }) {
  const name = gateway.name || "Egret";
  setText(byId("name"), name);
  if (document.title !== name) document.title = name;
  const mode = MODES[gateway.mode] ?? gateway.mode;
  if (byId("mode").textContent !== mode && first) context.announce(`Mode: ${mode}`);
  setText(byId("mode"), mode);
  setText(byId("clock"), CLOCKS[gateway.clock] ?? gateway.clock);
  setAttribute(byId("clock"), "data-quality", gateway.clock);
  show(byId("health"), !gateway.healthy);
  setText(byId("health"), gateway.healthy ? "" : gateway.health || "The box is not healthy.");
  const up = duration(gateway.uptime_ms);
  setText(byId("about"), `Egret ${gateway.version} · serial ${gateway.serial} · up ${up}`);
  show(byId("updated"), first !== null && first.version !== gateway.version);
}

function sections({ devices }) {
  show(byId("welcome"), devices.length === 0);
  show(byId("overview"), devices.length > 0);
  show(byId("devices"), devices.length > 0);
}

function flowNote({ silent }) {
  const names = silent.map(({ config }) => config.name || config.device_id);
  show(byId("flow-note"), names.length > 0);
  setText(
    byId("flow-note"),
    names.length ? `Without ${names.join(", ")}: no current reading.` : "",
  );
}

function assemble() {
  const flow = energyFlow(byId("flow"));
  const energies = energyTiles(byId("energies"));
  const curves = new Curves(byId("curves"));
  const plant = (snapshot, reload) => {
    const now = plantNow(snapshot);
    flow(now);
    flowNote(now);
    if (snapshot.devices.length) curves.update(snapshot, now, reload);
  };
  ageing = [deviceCards(byId("device-cards"), context), deliveryCards(context), radioCards(context)];
  parts = [
    header,
    sections,
    plant,
    (snapshot) => energies(energiesToday(snapshot)),
    noticeList(context),
    adding,
    engineFigures(),
    ...ageing,
  ];
}

function render(drawn, reload = false) {
  for (const part of drawn) {
    try {
      part(context.snapshot, reload);
    } catch (error) {
      console.error("a part of the page failed", error);
    }
  }
}

function connection(state) {
  if (document.body.dataset.connection === state) return;
  const words = { live: "live", connecting: "connecting", lost: "reconnecting" }[state];
  if (context.snapshot) context.announce(`Connection to the box: ${words}`);
  document.body.dataset.connection = state;
  setText(byId("connection"), words);
}

function staleness() {
  if (!context.snapshot) return;
  const silence = context.sinceSnapshotMs();
  const stale = silence > STALE_MS;
  document.body.classList.toggle("stale", stale);
  show(byId("stale"), stale);
  if (!stale) return;
  connection("lost");
  const at = timeToTheSecond(context.snapshot.at_ms);
  setText(
    byId("stale"),
    `The box does not answer. What you see is from ${at}, ${duration(silence)} ago.`,
  );
  render(ageing);
}

async function learnQuantities() {
  try {
    context.quantities = await box.quantities();
    if (context.snapshot) render(ageing);
  } catch {
    setTimeout(learnQuantities, QUANTITIES_RETRY_MS);
  }
}

function receive(snapshot) {
  const restarted = first !== null && first.boot !== snapshot.gateway.boot;
  const reload = restarted || !connected;
  context.snapshot = snapshot;
  receivedAt = performance.now();
  connected = true;
  connection("live");
  render(parts, reload);
  first = { version: first?.version ?? snapshot.gateway.version, boot: snapshot.gateway.boot };
  staleness();
}

function lose() {
  connected = false;
  connection(context.snapshot ? "lost" : "connecting");
  checkEntry();
}

// A session that ended closes the stream: begin anew, with the way in.
async function checkEntry() {
  if (!maySee(await box.entry())) location.reload();
}

// Who we are comes before all else: where that is nobody, there is nothing to follow.
async function begin() {
  const entry = await box.entry();
  const openWayIn = wayIn();
  if (!maySee(entry)) {
    openWayIn(entry, true);
    return;
  }
  if (entry) {
    show(byId("exposed"), entry.exposed);
    accessCard(entry, context.announce, openWayIn);
  }
  learnQuantities();
  box.follow({ onSnapshot: receive, onLost: lose });
}

context.askForAccount = accounts(context.announce);
context.askToRemove = removal(context.announce);
const adding = addingDevices(context.announce);
assemble();
byId("reload").addEventListener("click", () => location.reload());
setInterval(staleness, 1000);
begin();
