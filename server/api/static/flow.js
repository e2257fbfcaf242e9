// Draws the energy flow now: four places around a hub. An arrow's direction is the sign of the
// power, its width the amount. The same is said in one sentence for who does not see it.

import { setAttribute, setText, svg } from "./dom.js";
import { percent, power } from "./format.js";

const IDLE_W = 10; // below this a meter's noise would flap the arrow
const WIDEST_W = 6000; // the power of the widest arrow, unless the plant shows more
const THIN = 2.5;
const WIDE = 13;
const HUB = { x: 220, y: 212 };
const RADIUS = 54;
const HUB_RADIUS = 9;
const RING = 2 * Math.PI * (RADIUS - 3);

const ICONS = {
  sun: "M0-5.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 0 0 0-11M0-12v2.5M0 12v-2.5M-12 0h2.5M12 0h-2.5M-8.5-8.5l1.8 1.8M8.5 8.5l-1.8-1.8M-8.5 8.5l1.8-1.8M8.5-8.5l-1.8 1.8",
  house: "M-11 1 0-10 11 1M-7.5-2v11.5h15v-11.5M-2 9.5v-6.5h4v6.5",
  grid: "M0-12-6 12M0-12 6 12M-8-4.5h16M-9.5 2.5h19M-2.3-4.5 5 6.5M2.3-4.5-5 6.5M-8-4.5v2M8-4.5v2",
  battery: "M-6-8.5h12v19h-12zM-2.5-11.5h5v3h-5zM1-4.5-2.5 1.5h5L-1 7",
};

// `inward` is the sign of a power that flows from the place to the hub.
const PLACES = [
  { key: "pv", name: "Sun", icon: "sun", x: 220, y: 66, inward: 1, title: -66, tone: "sun" },
  { key: "grid", name: "Grid", icon: "grid", x: 66, y: 212, inward: 1, title: 74, tone: "grid" },
  {
    key: "load",
    name: "House",
    icon: "house",
    x: 374,
    y: 212,
    inward: -1,
    title: 74,
    tone: "house",
  },
  {
    key: "battery",
    name: "Battery",
    icon: "battery",
    x: 220,
    y: 358,
    inward: 1,
    title: 76,
    tone: "battery",
  },
];

const WORDS = {
  pv: (watts) => (watts > IDLE_W ? "producing" : "resting"),
  grid: (watts) => (Math.abs(watts) <= IDLE_W ? "balanced" : watts > 0 ? "importing" : "exporting"),
  load: () => "using",
  battery: (watts) =>
    Math.abs(watts) <= IDLE_W ? "resting" : watts > 0 ? "discharging" : "charging",
};

function towardsHub(place) {
  const [dx, dy] = [HUB.x - place.x, HUB.y - place.y];
  const length = Math.hypot(dx, dy);
  const at = (distance) => ({
    x: place.x + (dx / length) * distance,
    y: place.y + (dy / length) * distance,
  });
  const turn = (Math.atan2(dy, dx) * 180) / Math.PI;
  const [from, to] = [at(RADIUS + 2), at(length - HUB_RADIUS)];
  return { from, to, middle: at((RADIUS + length - HUB_RADIUS) / 2), turn };
}

function leg(place) {
  const { from, to, middle, turn } = towardsHub(place);
  const ends = { x1: from.x, y1: from.y, x2: to.x, y2: to.y };
  const rail = svg("line", { ...ends, class: "rail" });
  const stream = svg("line", { ...ends, class: "stream" });
  const pulse = svg("line", { ...ends, class: "pulse" });
  const arrow = svg("path", { class: "arrow" });
  const shapes = [rail, stream, pulse, arrow];
  const node = svg("g", { class: `leg ${place.tone}`, "data-flow": place.key }, ...shapes);
  function update(watts, widest) {
    const flows = watts !== null && Math.abs(watts) > IDLE_W;
    const inward = flows && Math.sign(watts) === place.inward;
    setAttribute(node, "data-direction", flows ? (inward ? "in" : "out") : "none");
    if (!flows) return;
    const width = THIN + (WIDE - THIN) * Math.sqrt(Math.min(1, Math.abs(watts) / widest));
    const half = 5 + width * 0.62;
    setAttribute(stream, "stroke-width", width.toFixed(1));
    setAttribute(pulse, "stroke-width", Math.max(2.5, width * 0.45).toFixed(1));
    setAttribute(arrow, "d", `M${-half * 0.75} ${-half}L${half} 0L${-half * 0.75} ${half}Z`);
    const angle = turn + (inward ? 0 : 180);
    setAttribute(arrow, "transform", `translate(${middle.x} ${middle.y}) rotate(${angle})`);
  }
  return { node, update };
}

function spot(place) {
  const value = svg("text", { y: 14, class: "value", "data-figure": place.key });
  const words = svg("text", { y: 31, class: "words" });
  const title = svg("text", { y: place.title, class: "title", text: place.name });
  const ring = svg("circle", { r: RADIUS - 3, class: "ring", transform: "rotate(-90)" });
  const node = svg(
    "g",
    { class: `spot ${place.tone}`, transform: `translate(${place.x} ${place.y})` },
    svg("circle", { r: RADIUS, class: "plate" }),
    ring,
    svg(
      "g",
      { transform: "translate(0 -22)" },
      svg("path", { d: ICONS[place.icon], class: "icon" }),
    ),
    value,
    words,
    title,
  );
  function update(watts, soc) {
    setText(value, power(place.key === "load" || watts === null ? watts : Math.abs(watts)));
    setText(words, watts === null ? "unknown" : WORDS[place.key](watts));
    const charge = place.key === "battery" ? soc : null;
    setText(title, charge === null ? place.name : `${place.name} · ${percent(charge)}`);
    const filled = charge === null ? 0 : (RING * Math.min(100, Math.max(0, charge))) / 100;
    setAttribute(ring, "stroke-dasharray", `${filled.toFixed(1)} ${RING.toFixed(1)}`);
  }
  return { node, update };
}

export function flowSentence(now) {
  const say = (name, watts, words) =>
    watts === null ? `${name}: unknown` : `${name}: ${words(watts)} ${power(Math.abs(watts))}`;
  const parts = [
    say("Sun", now.pv, WORDS.pv),
    say("House", now.load, WORDS.load),
    say("Battery", now.battery, WORDS.battery),
    say("Grid", now.grid, WORDS.grid),
  ];
  if (now.soc !== null) parts.push(`State of charge: ${percent(now.soc)}`);
  return `${parts.join(". ")}.`;
}

export function energyFlow(container) {
  const legs = PLACES.map((place) => ({ place, ...leg(place) }));
  const spots = PLACES.map((place) => ({ place, ...spot(place) }));
  const drawing = svg(
    "svg",
    { viewBox: "0 0 440 446", role: "img", class: "flow" },
    ...legs.map((each) => each.node),
    svg("circle", { cx: HUB.x, cy: HUB.y, r: HUB_RADIUS, class: "hub" }),
    ...spots.map((each) => each.node),
  );
  container.append(drawing);
  return (now) => {
    const powers = PLACES.map((place) => Math.abs(now[place.key] ?? 0));
    const widest = Math.max(WIDEST_W, ...powers);
    for (const { place, update } of legs) update(now[place.key], widest);
    for (const { place, update } of spots) update(now[place.key], now.soc);
    setAttribute(drawing, "aria-label", flowSentence(now));
  };
}
