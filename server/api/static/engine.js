// The engine's figures: how punctual it is, and what it is doing.

import { byId, el, figures, setText } from "./dom.js";
import { count, plural, quantity } from "./format.js";

// The edges of server/model/statistics.py, in words; a last bucket holds everything beyond.
const LATENESS = ["≤ 1 ms", "≤ 10 ms", "≤ 0.1 s", "≤ 1 s", "≤ 10 s", "later"];
const COLUMNS = ["Kind", "Queued", "Ready", "Running", "Started", "Failed", "Missed"];
const TINY = 2; // percent: what happened once in a million still shows

function bars() {
  const rows = LATENESS.map((words) => {
    const bar = el("span", { class: "bar" });
    const figure = el("span", { class: "bar-figure" });
    const item = el(
      "li",
      {},
      el("span", { class: "bar-words", text: words }),
      el("span", { class: "bar-room", "aria-hidden": "true" }, bar),
      figure,
    );
    return { item, bar, figure };
  });
  const node = el("ul", { class: "bars" }, ...rows.map(({ item }) => item));
  function set(counts) {
    const most = Math.max(1, ...counts);
    rows.forEach(({ bar, figure }, index) => {
      const value = counts[index] ?? 0;
      const share = value ? Math.max(TINY, (value / most) * 100) : 0;
      bar.style.width = `${share.toFixed(1)}%`;
      setText(figure, count(value));
    });
  }
  return { node, set };
}

function grid(caption, columns) {
  const head = el("tr");
  for (const words of columns) head.append(el("th", { scope: "col", text: words }));
  const body = el("tbody");
  const node = el(
    "div",
    { class: "table-scroll", tabindex: "0", role: "region", "aria-label": caption },
    el("table", {}, el("caption", { text: caption }), el("thead", {}, head), body),
  );
  function set(rows) {
    while (body.rows.length > rows.length) body.lastElementChild.remove();
    rows.forEach((cells, index) => {
      const row = body.rows[index] ?? body.appendChild(el("tr"));
      cells.forEach((text, column) => {
        const cell =
          row.cells[column] ?? row.appendChild(column ? el("td") : el("th", { scope: "row" }));
        setText(cell, text);
      });
    });
  }
  return { node, set };
}

function doing(lane) {
  if (lane.stuck) return `stuck in ${lane.busy_kind || "a call"} for ${quantity(lane.busy_s, "s")}`;
  return lane.busy_kind ? `${lane.busy_kind}, ${quantity(lane.busy_s, "s")}` : "idle";
}

export function engineFigures() {
  const parts = {
    list: figures(),
    lateness: bars(),
    kinds: grid("By kind of task", COLUMNS),
    lanes: grid("By lane", ["Lane", "Now", "Ready", "Generation"]),
  };
  byId("engine-figures").append(
    parts.list.node,
    el("h3", { text: "How late tasks started" }),
    parts.lateness.node,
    parts.kinds.node,
    parts.lanes.node,
  );
  return ({ engine, gateway }) => {
    const trouble = engine.stuck_lanes + engine.abandoned + engine.bugs;
    const brief = trouble
      ? plural(trouble, "trouble", "troubles")
      : `${plural(engine.queued, "task", "tasks")} waiting`;
    setText(byId("engine-brief"), brief);
    if (byId("engine").open) update(parts, engine, gateway);
  };
}

function update(parts, engine, gateway) {
  const tone = (value, name) => (value > 0 ? name : "");
  parts.list.set([
    ["Mode", gateway.mode],
    ["Queued", plural(engine.queued, "task", "tasks")],
    ["Ready", plural(engine.ready, "task", "tasks")],
    ["Running", plural(engine.running, "call", "calls")],
    ["Missed beats", count(engine.missed), tone(engine.missed, "warn")],
    ["Stuck lanes", count(engine.stuck_lanes), tone(engine.stuck_lanes, "bad")],
    ["Abandoned threads", count(engine.abandoned), tone(engine.abandoned, "bad")],
    ["Bugs met", count(engine.bugs), tone(engine.bugs, "bad")],
    ["Wake-ups", count(engine.wakeups)],
    ["Inbox", plural(engine.inbox, "entry", "entries")],
    ["Inbox refused", count(engine.inbox_refused), tone(engine.inbox_refused, "bad")],
  ]);
  const kinds = Object.entries(engine.kinds);
  parts.lateness.set(
    LATENESS.map((_, index) =>
      kinds.reduce((sum, [, kind]) => sum + (kind.lateness[index] ?? 0), 0),
    ),
  );
  parts.kinds.set(
    kinds.map(([name, kind]) => [
      name,
      ...[kind.queued, kind.ready, kind.running, kind.started, kind.failed, kind.missed].map(count),
    ]),
  );
  parts.lanes.set(
    engine.lanes.map((lane) => [lane.name, doing(lane), count(lane.ready), count(lane.generation)]),
  );
}
