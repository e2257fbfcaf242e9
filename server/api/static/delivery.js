// Where readings go, and where they are kept until then.

import { byId, el, figures, keyed, setAttribute, setText, show } from "./dom.js";
import { age, bytes, count, date, moment, plural } from "./format.js";

const SINK_STATES = {
  idle: ["Up to date", "online"],
  delivering: ["Delivering", "online"],
  retrying: ["Retrying", "retrying"],
  never: ["Nothing sent yet", "new"],
};
const STORE_STATES = {
  ok: ["OK", "online", "Readings are being kept."],
  full: [
    "Full",
    "failing",
    "The disk is full: the oldest readings make room, or make room yourself.",
  ],
  failing: ["Failing", "failing", "Readings cannot be written now; they wait in memory."],
};

export function frame(title) {
  const id = `part-${Math.random().toString(36).slice(2)}`;
  const parts = {
    title: el("h3", { id, text: title }),
    pill: el("span", { class: "pill" }),
    words: el("p", { class: "state-words" }),
    error: el("p", { class: "error-words", hidden: true }),
    list: figures(),
  };
  parts.node = el(
    "article",
    { class: "card", "aria-labelledby": id },
    el("div", { class: "card-head" }, parts.title, parts.pill),
    parts.words,
    parts.error,
    parts.list.node,
  );
  return parts;
}

export function paint(parts, label, tone, words, error) {
  setText(parts.pill, label);
  setAttribute(parts.pill, "data-state", tone);
  setText(parts.words, words);
  show(parts.error, error !== "");
  setText(parts.error, error && `Last error: ${error}`);
}

function sinkWords(sink, nowMs) {
  const waiting = plural(sink.backlog, "reading waits", "readings wait");
  if (sink.state === "retrying") {
    const next =
      sink.retry_at_ms === null ? "" : `, next try at ${moment(sink.retry_at_ms, nowMs)}`;
    return `${waiting}${next}. Nothing is lost meanwhile.`;
  }
  return sink.backlog > 0 ? `${waiting} for the next batch.` : "Everything was acknowledged.";
}

// The host is what a person recognises; the whole address stands below it.
function hostOf(target) {
  try {
    return new URL(target).host || target;
  } catch {
    return target;
  }
}

function sinkCard(context) {
  const parts = frame("");
  const target = el("p", { class: "muted" });
  parts.words.before(target);
  parts.node.classList.add("sink");
  return {
    node: parts.node,
    update(sink) {
      const { at_ms } = context.snapshot;
      const [label, tone] = SINK_STATES[sink.state] ?? [sink.state, "new"];
      setText(parts.title, hostOf(sink.target));
      setText(target, `${sink.kind} · ${sink.target}`);
      setAttribute(parts.node, "data-sink", sink.sink_id);
      paint(parts, label, tone, sinkWords(sink, at_ms), sink.error);
      const ago =
        sink.last_ack_ms === null ? null : at_ms - sink.last_ack_ms + context.sinceSnapshotMs();
      parts.list.set([
        ["Backlog", plural(sink.backlog, "reading", "readings"), sink.backlog > 1000 ? "warn" : ""],
        ["Last acknowledged", ago === null ? "never" : age(ago)],
        ["Delivered", count(sink.delivered)],
        ["Dropped", count(sink.dropped), sink.dropped > 0 ? "bad" : ""],
        ["Quarantined", count(sink.quarantined), sink.quarantined > 0 ? "warn" : ""],
        ["Gaps to fill", count(sink.gaps)],
      ]);
    },
  };
}

function noSinkCard() {
  const parts = frame("No delivery configured");
  paint(parts, "Off", "new", "", "");
  parts.words.append(
    "Readings are kept on this box and go nowhere else. ",
    "To have them delivered, add the address of an ingest endpoint to ",
    el("code", { text: "harvest.endpoints" }),
    " in the settings, or start the box with ",
    el("code", { text: "EGRET_HARVEST_ENDPOINTS" }),
    ".",
  );
  return { node: parts.node, update() {} };
}

function storeCard(context) {
  const parts = frame("Store on this box");
  parts.node.classList.add("store");
  return {
    node: parts.node,
    update(store) {
      const { at_ms } = context.snapshot;
      const [label, tone, words] = STORE_STATES[store.state] ?? [store.state, "new", ""];
      paint(parts, label, tone, words, store.error);
      const written = store.last_commit_ms === null ? null : at_ms - store.last_commit_ms;
      const ago = written === null ? "never" : age(written + context.sinceSnapshotMs());
      parts.list.set([
        ["Size", bytes(store.size_bytes)],
        ["Free on disk", bytes(store.free_bytes)],
        ["Oldest reading", date(store.oldest_ms)],
        ["Last written", ago],
        ["Readings accepted", count(store.accepted_total)],
        ["In memory", plural(store.buffered, "reading", "readings")],
        ["Dropped", count(store.buffer_dropped), store.buffer_dropped > 0 ? "bad" : ""],
        ["Pruned", count(store.pruned)],
      ]);
    },
  };
}

export function deliveryCards(context) {
  const makers = { sink: sinkCard, none: noSinkCard, store: storeCard };
  const update = keyed(byId("delivery"), (item) => {
    const card = makers[item.what](context);
    return { node: card.node, update: ({ value }) => card.update(value) };
  });
  return ({ sinks, store }) => {
    const items = sinks.map((value) => ({ what: "sink", key: `sink ${value.sink_id}`, value }));
    if (!items.length) items.push({ what: "none", key: "none", value: null });
    items.push({ what: "store", key: "store", value: store });
    update(items, (item) => item.key);
  };
}
