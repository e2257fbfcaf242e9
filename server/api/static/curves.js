// Today's curves: the stored minutes of every device added up, and the present appended as it
// comes. Holes stay holes. The same figures are offered as a table.

import * as box from "./box.js";
import { el, setAttribute, setText } from "./dom.js";
import { ABSENT, kilowatts, midnight, percent, power, quantity, time } from "./format.js";
import { known, mean, plantPowers } from "./totals.js";

const POINTS = 288; // five minutes each by the evening: calm enough to read
const LEAST_STEP_MS = 60_000;
const LEAST_SPAN_S = 600; // on a box that has just begun, an axis of seconds would look broken
const LIVE_STEP_MS = 10_000; // the present moves visibly, until the next load evens it out
const FEW_POINTS = 3; // fewer make no line and are drawn as dots
const REFRESH_MS = 600_000; // the finer grid of the morning would be too wide by the evening
const RETRY_MS = 15_000; // when the box could not answer for some of it
const HOUR_MS = 3_600_000;
const HEIGHT_PX = 300;

const NAMES = ["pv", "load", "grid", "battery", "soc"];
const QUANTITIES = {
  pv: "pv_power",
  load: "load_power",
  grid: "grid_power",
  battery: "battery_power",
  soc: "battery_soc",
};
const LABELS = { pv: "Sun", load: "House", grid: "Grid", battery: "Battery", soc: "Charge" };
const TONES = { pv: "sun", load: "house", grid: "grid", battery: "battery", soc: "charge" };
const LONG = {
  pv: "Sun, kW",
  load: "House, kW",
  grid: "Grid, kW (import is positive)",
  battery: "Battery, kW (discharge is positive)",
  soc: "State of charge",
};

const figure = (name, value) => (name === "soc" ? percent(value) : power(value));
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// The histories of one device, by name; null for what could not be had now.
async function deviceCurves(deviceId, from, to) {
  const answers = await Promise.all(
    NAMES.map((name) => box.history(deviceId, QUANTITIES[name], from, to, POINTS).catch(() => null)),
  );
  return Object.fromEntries(NAMES.map((name, index) => [name, answers[index]]));
}

// A device that answers in wider steps than the others fills several of theirs.
function onGrid(history, from, step, size) {
  const row = Array.from({ length: size }, () => []);
  for (const point of history?.points ?? []) {
    const first = Math.floor((point.at_ms - from) / step);
    const width = Math.ceil(history.step_ms / step);
    for (let index = Math.max(0, first); index < Math.min(size, first + width); index += 1) {
      row[index].push(point.mean);
    }
  }
  return row.map((values) => mean(values));
}

function addUp(devices, from, to) {
  const steps = devices.flatMap((device) => NAMES.map((name) => device[name]?.step_ms ?? 0));
  const step = Math.max(LEAST_STEP_MS, Math.min(...steps.filter((each) => each > 0), HOUR_MS));
  const size = Math.floor((to - from) / step) + 1;
  const rows = devices.map((device) =>
    Object.fromEntries(NAMES.map((name) => [name, onGrid(device[name], from, step, size)])),
  );
  const curves = { times: [], widths: [], pv: [], load: [], grid: [], battery: [], soc: [] };
  for (let index = 0; index < size; index += 1) {
    const parts = rows.map((row) =>
      Object.fromEntries(NAMES.map((name) => [name, row[name][index]])),
    );
    const values = { ...plantPowers(parts), soc: mean(parts.map((part) => part.soc)) };
    const begun = curves.times.length > 0 || NAMES.some((name) => values[name] !== null);
    if (begun) append(curves, from + index * step, step, values);
  }
  return curves;
}

function append(curves, atMs, width, values) {
  curves.times.push(atMs / 1000);
  curves.widths.push(width);
  for (const name of NAMES) curves[name].push(values[name]);
}

function options(width, hidden, onCursor) {
  const ink = css("--muted");
  const lines = css("--line");
  const font = `12px ${css("--font")}`;
  const axis = { stroke: ink, font, grid: { stroke: lines, width: 1 }, ticks: { show: false } };
  const series = NAMES.map((name) => ({
    label: LABELS[name],
    scale: name === "soc" ? "soc" : "power",
    stroke: css(`--${TONES[name]}`),
    width: name === "soc" ? 1.5 : 2,
    dash: name === "soc" ? [5, 4] : undefined,
    fill: name === "pv" ? css("--sun-wash") : undefined,
    points: { show: (plot) => plot.data[0].length <= FEW_POINTS, size: 5 },
    show: !hidden.has(name),
  }));
  return {
    width,
    height: HEIGHT_PX,
    padding: [12, 4, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    scales: {
      x: { range: timeRange },
      power: { range: (_, least, most) => powerRange(least, most) },
      soc: { range: [0, 100] },
    },
    axes: [
      { ...axis, space: 64, size: 32, values: (_, splits) => splits.map((at) => time(at * 1000)) },
      {
        ...axis,
        scale: "power",
        size: 44,
        values: (_, splits) => splits.map(kilowattTick),
      },
      {
        ...axis,
        scale: "soc",
        side: 1,
        size: 44,
        grid: { show: false },
        values: (_, splits) => splits.map((value) => percent(value)),
      },
    ],
    series: [{}, ...series],
    hooks: { setCursor: [onCursor] },
  };
}

// uPlot spreads a lone point over years, so the end is taken from the data.
function timeRange({ data: [times] }) {
  const [least, most] = [times[0], times.at(-1)];
  return [least, Math.max(most, least + LEAST_SPAN_S)];
}

const kilowattTick = (watts) => quantity(watts / 1000, "");

function powerRange(least, most) {
  const [low, high] = [Math.min(0, least ?? 0), Math.max(0, most ?? 0)];
  const room = Math.max(500, (high - low) * 0.08);
  return [low < 0 ? low - room : 0, high + room];
}

function hourRows(curves) {
  const perHour = new Map();
  curves.times.forEach((seconds, index) => {
    const hour = Math.floor((seconds * 1000 - curves.day) / HOUR_MS);
    if (!perHour.has(hour)) perHour.set(hour, []);
    perHour.get(hour).push(index);
  });
  return [...perHour].map(([hour, indexes]) => ({
    at: curves.day + hour * HOUR_MS,
    figures: NAMES.map((name) => weighed(curves[name], curves.widths, indexes)),
  }));
}

// The mean over time: a stored step of minutes counts for more than a live one of seconds.
function weighed(values, widths, indexes) {
  const present = indexes.filter((index) => known(values[index]));
  const weight = present.reduce((total, index) => total + widths[index], 0);
  const area = present.reduce((total, index) => total + values[index] * widths[index], 0);
  return weight ? area / weight : null;
}

function table(curves) {
  const head = el("tr", {}, el("th", { scope: "col", text: "Hour from" }));
  for (const name of NAMES) head.append(el("th", { scope: "col", text: LONG[name] }));
  const body = hourRows(curves).map(({ at, figures }) => {
    const row = el("tr", {}, el("th", { scope: "row", text: time(at) }));
    figures.forEach((value, index) => {
      const text = NAMES[index] === "soc" ? percent(value) : kilowatts(value);
      row.append(el("td", { text }));
    });
    return row;
  });
  return el(
    "table",
    {},
    el("caption", { text: "Mean of each hour of today" }),
    el("thead", {}, head),
    el("tbody", {}, ...body),
  );
}

function summary(curves) {
  const peak = (name) => {
    const values = curves[name].filter(known);
    return values.length ? power(Math.max(...values)) : ABSENT;
  };
  const first = curves.times.length ? time(curves.times[0] * 1000) : ABSENT;
  return (
    `Curves of today from ${first} on. Highest means: sun ${peak("pv")}, house ${peak("load")}. ` +
    "The figures are in the table below."
  );
}

export class Curves {
  #plotNode = el("div", { class: "plot", role: "img", "aria-label": "Curves of today" });
  #empty = el("p", {
    class: "note",
    hidden: true,
    text: "The first minutes of today are being collected.",
  });
  #unit = el("p", { class: "axis-words", "aria-hidden": "true" }, el("span", { text: "kW" }));
  #tableNode = el("div", {
    class: "table-scroll",
    id: "curves-table",
    tabindex: "0",
    role: "region",
    "aria-label": "Today's figures as a table",
    hidden: true,
  });
  #toggle = el("button", {
    type: "button",
    class: "quiet",
    "aria-expanded": "false",
    "aria-controls": "curves-table",
    text: "Show as a table",
    hidden: true,
    onclick: () => this.#toggleTable(),
  });
  #keys = new Map();
  #hidden = new Set();
  #plot = null;
  #data = null;
  #live = null;
  #loadedAt = -Infinity;
  #loading = false;
  #devices = "";
  #snapshot = null;

  constructor(container) {
    const keys = el("div", { class: "keys", role: "group", "aria-label": "Curves shown" });
    for (const name of NAMES) keys.append(this.#key(name));
    container.append(keys, this.#unit, this.#plotNode, this.#empty, this.#toggle, this.#tableNode);
    new ResizeObserver(() => this.#resize()).observe(this.#plotNode);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#rebuild());
  }

  // Takes the present: loads the day when it must, else carries the curve on.
  update(snapshot, now, restarted) {
    this.#snapshot = snapshot;
    const devices = snapshot.devices.map((device) => device.config.device_id).join("\n");
    const newDay = this.#data !== null && this.#data.day !== midnight(snapshot.at_ms);
    const old = performance.now() - this.#loadedAt > REFRESH_MS;
    if (restarted || newDay || old || devices !== this.#devices) {
      this.#devices = devices;
      this.#load();
    }
    if (this.#data) this.#carryOn(snapshot.at_ms, now);
    this.#figures(now);
  }

  async #load() {
    if (this.#loading) return;
    this.#loading = true;
    this.#loadedAt = performance.now();
    const { devices, at_ms: to } = this.#snapshot;
    const from = midnight(to);
    try {
      const curves = [];
      for (const { config } of devices) curves.push(await deviceCurves(config.device_id, from, to));
      if (curves.some((device) => NAMES.some((name) => device[name] === null))) {
        this.#loadedAt += RETRY_MS - REFRESH_MS;
        if (this.#data?.day === from) return; // what is drawn is better than half of it
      }
      this.#data = { day: from, ...addUp(curves, from, to) };
      this.#live = null;
    } finally {
      this.#loading = false;
    }
    this.#draw();
  }

  #carryOn(atMs, now) {
    const data = this.#data;
    const beat = Math.floor(atMs / LIVE_STEP_MS);
    if (this.#live?.beat !== beat) {
      // A clock that was set back would draw over the past; the next load starts over.
      if (atMs <= (data.times.at(-1) ?? 0) * 1000) return;
      this.#live = { beat, seen: [] };
      append(data, atMs, LIVE_STEP_MS, now);
    }
    this.#live.seen.push(now);
    for (const name of NAMES) {
      data[name][data.times.length - 1] = mean(this.#live.seen.map((each) => each[name]));
    }
    this.#draw();
  }

  #columns() {
    return [this.#data.times, ...NAMES.map((name) => this.#data[name])];
  }

  #draw() {
    const anything = NAMES.some((name) => this.#data[name].some(known));
    this.#empty.hidden = anything;
    this.#plotNode.hidden = !anything;
    this.#unit.hidden = !anything;
    this.#toggle.hidden = !anything;
    if (!anything || document.hidden) return;
    setAttribute(this.#plotNode, "aria-label", summary(this.#data));
    if (this.#plot) this.#plot.setData(this.#columns());
    else this.#rebuild();
    if (!this.#tableNode.hidden) this.#fillTable();
  }

  #rebuild() {
    const width = this.#plotNode.clientWidth;
    if (!this.#data || width < 50) return;
    this.#plot?.destroy();
    const onCursor = (plot) => this.#figures(this.#at(plot.cursor.idx));
    const plotOptions = options(width, this.#hidden, onCursor);
    this.#plot = new globalThis.uPlot(plotOptions, this.#columns(), this.#plotNode);
  }

  #resize() {
    const width = this.#plotNode.clientWidth;
    if (this.#plot && width > 50) this.#plot.setSize({ width, height: HEIGHT_PX });
    else if (width > 50) this.#rebuild();
  }

  #at(index) {
    if (index == null) return null;
    const at = { time: this.#data.times[index] };
    for (const name of NAMES) at[name] = this.#data[name][index];
    return at;
  }

  #key(name) {
    const value = el("span", { class: "key-value", text: ABSENT });
    const button = el(
      "button",
      { type: "button", class: `key ${TONES[name]}`, "aria-pressed": "true", "data-curve": name },
      el("span", { class: "swatch", "aria-hidden": "true" }),
      el("span", { text: LABELS[name] }),
      value,
    );
    button.addEventListener("click", () => this.#flip(name));
    this.#keys.set(name, { button, value });
    return button;
  }

  #flip(name) {
    const shown = this.#hidden.delete(name);
    if (!shown) this.#hidden.add(name);
    setAttribute(this.#keys.get(name).button, "aria-pressed", String(shown));
    this.#plot?.setSeries(NAMES.indexOf(name) + 1, { show: shown });
  }

  // The figures beside the names: where the pointer is, else now.
  #figures(values) {
    const pointed = this.#plot?.cursor.idx;
    const shown = pointed == null ? values : this.#at(pointed);
    if (!shown) return;
    for (const [name, { value }] of this.#keys) setText(value, figure(name, shown[name]));
  }

  #toggleTable() {
    const open = this.#tableNode.hidden;
    this.#tableNode.hidden = !open;
    setAttribute(this.#toggle, "aria-expanded", String(open));
    setText(this.#toggle, open ? "Hide the table" : "Show as a table");
    if (open) this.#fillTable();
  }

  #fillTable() {
    this.#tableNode.replaceChildren(table(this.#data));
  }
}
