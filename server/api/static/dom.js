// Builds and updates elements. Text only ever enters the page as text: device names, serials and
// error words come from outside, and nothing here parses markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, properties, children) {
  for (const [key, value] of Object.entries(properties)) {
    if (key === "text") node.textContent = value;
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value != null) node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

export function el(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

export const byId = (id) => document.getElementById(id);

// Writes only what changed: untouched nodes keep selections, focus and the screen reader's calm.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node, name, value) {
  if (value == null || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
}

export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
}

// `said` is the id of what a screen reader should say beside the hint when the field is reached.
export function field(label, input, hint, said = "") {
  const parts = [el("label", { for: input.id, text: label }), input];
  if (hint) {
    const id = `${input.id}-hint`;
    input.setAttribute("aria-describedby", `${said} ${id}`.trim());
    parts.push(el("p", { class: "note", id, text: hint }));
  }
  return el("div", { class: "field" }, ...parts);
}

// Keeps one child per item, by key, in the items' order. `make(item)` returns {node, update(item)};
// a node that stays is updated in place, so what has the focus keeps it.
export function keyed(container, make) {
  const held = new Map();
  return (items, key) => {
    const wanted = new Set(items.map(key));
    for (const [name, part] of held) {
      if (!wanted.has(name)) {
        part.node.remove();
        held.delete(name);
      }
    }
    items.forEach((item, index) => {
      const name = key(item);
      if (!held.has(name)) held.set(name, make(item));
      const part = held.get(name);
      if (container.children[index] !== part.node) {
        container.insertBefore(part.node, container.children[index] ?? null);
      }
      part.update(item);
    });
  };
}

// A list of term and figure, updated in place: `set([[term, figure, tone?], …])`.
export function figures(className = "figures") {
  const list = el("dl", { class: className });
  const update = keyed(list, () => {
    const term = el("dt");
    const figure = el("dd");
    return {
      node: el("div", {}, term, figure),
      update([words, value, tone]) {
        setText(term, words);
        setText(figure, value);
        setAttribute(figure, "class", tone || null);
      },
    };
  });
  return { node: list, set: (rows) => update(rows, ([words]) => words) };
}
