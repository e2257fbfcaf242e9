// The energies of today, one tile each; a tile nobody has figures for is left out.

import { el, keyed, setText } from "./dom.js";
import { energy, percent } from "./format.js";

const TILES = [
  { key: "pv", words: "Solar", tone: "sun", always: true },
  { key: "house", words: "House", tone: "house" },
  { key: "imported", words: "From the grid", tone: "grid", always: true },
  { key: "exported", words: "To the grid", tone: "grid" },
  { key: "charged", words: "Into the battery", tone: "battery" },
  { key: "discharged", words: "From the battery", tone: "battery" },
  { key: "own", words: "Self-supplied", tone: "own", format: percent, share: true },
];

export function energyTiles(container) {
  const list = el("dl", { class: "tiles" });
  container.append(list);
  const update = keyed(list, (tile) => {
    const figure = el("dd", { "data-energy": tile.key });
    const bar = el("span", { class: "bar" });
    const room = el("dd", { class: "bar-room", "aria-hidden": "true" }, bar);
    const node = el("div", { class: `tile ${tile.tone}` }, el("dt", { text: tile.words }), figure);
    if (tile.share) node.append(room);
    return {
      node,
      update({ value, format = energy }) {
        setText(figure, format(value));
        bar.style.width = `${Math.min(100, Math.max(0, value ?? 0))}%`;
      },
    };
  });
  return (energies) => {
    const shown = TILES.filter((tile) => tile.always || energies[tile.key] !== null);
    update(
      shown.map((tile) => ({ ...tile, value: energies[tile.key] })),
      (tile) => tile.key,
    );
  };
}
