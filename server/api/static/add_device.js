// Adding a device: its address, what answers there, its name. When nothing answers (an inverter
// sleeps at night) it can be added all the same, by saying what it is.

import * as box from "./box.js";
import { byId, el, figures, setText, show } from "./dom.js";
import { duration } from "./format.js";

// Offered when the box's own list is not to be had.
const KNOWN_FAMILIES = [
  { name: "sungrow_hybrid", title: "Sungrow hybrid", models: [] },
  { name: "sungrow", title: "Sungrow string", models: [] },
];
const NAME_MOST = 64;
const CHECKS =
  "Check the address, and that the device is switched on and its Modbus TCP is enabled. " +
  "Many inverters sleep at night.";
const MODELS_SHOWN = 3;

// `said` is the id of what a screen reader should say beside the hint when the field is reached.
function field(label, input, hint, said = "") {
  const parts = [el("label", { for: input.id, text: label }), input];
  if (hint) {
    const id = `${input.id}-hint`;
    input.setAttribute("aria-describedby", `${said} ${id}`.trim());
    parts.push(el("p", { class: "note", id, text: hint }));
  }
  return el("div", { class: "field" }, ...parts);
}

const whole = (id, value, least, most) =>
  el("input", {
    id,
    type: "number",
    inputmode: "numeric",
    required: true,
    step: "1",
    value,
    min: least,
    max: most,
  });

function nameInput(id) {
  return el("input", {
    id,
    type: "text",
    maxlength: NAME_MOST,
    autocomplete: "off",
    placeholder: "Roof south",
  });
}

// Each step is a form of its own; one is shown at a time.
function addressStep() {
  const host = el("input", {
    id: "add-host",
    type: "text",
    required: true,
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    inputmode: "url",
    placeholder: "192.168.1.40",
    maxlength: 253,
  });
  const port = whole("add-port", 502, 1, 65535);
  const unit = whole("add-unit", 1, 0, 255);
  const form = el(
    "form",
    { "data-step": "address" },
    field(
      "Address in your network",
      host,
      "Your router lists it among its devices; a name works as well as numbers.",
    ),
    el(
      "details",
      {},
      el("summary", {}, el("span", { text: "More" })),
      el("div", { class: "pair" }, field("Port", port), field("Unit id", unit)),
    ),
    el(
      "div",
      { class: "actions" },
      el("button", { type: "button", text: "Cancel", "data-close": true }),
      el("button", { type: "submit", class: "primary", text: "Look for the device" }),
    ),
  );
  const address = () => ({
    ip: host.value.trim(),
    port: Number(port.value),
    unit_id: Number(unit.value),
  });
  return { form, address, focus: host };
}

function searchStep() {
  const words = el("p", { role: "status" });
  const waited = el("span", { class: "muted" });
  const stop = el("button", { type: "button", text: "Stop looking" });
  const form = el(
    "form",
    { "data-step": "search", hidden: true },
    el("div", { class: "busy", "aria-hidden": "true" }, el("span")),
    words,
    el("p", {}, waited),
    el("div", { class: "actions" }, stop),
  );
  return { form, words, waited, stop, focus: stop };
}

function foundStep() {
  const title = el("p", { class: "found", id: "add-found" });
  const facts = figures("figures list");
  const name = nameInput("add-name");
  const submit = el("button", { type: "submit", class: "primary", text: "Add this device" });
  const form = el(
    "form",
    { "data-step": "found", hidden: true },
    title,
    facts.node,
    field("Name", name, "What you call it. It can stay empty.", title.id),
    el("p", { class: "error-words", role: "alert" }),
    el(
      "div",
      { class: "actions" },
      el("button", { type: "button", text: "Back", "data-back": true }),
      submit,
    ),
  );
  return { form, title, facts, name, submit, focus: name };
}

function silentStep() {
  const why = el("p", { class: "error-words", role: "alert" });
  const type = el("select", { id: "add-type", required: true });
  const name = nameInput("add-silent-name");
  const again = el("button", { type: "button", class: "primary", text: "Try again" });
  const submit = el("button", { type: "submit", text: "Add anyway" });
  const form = el(
    "form",
    { "data-step": "silent", hidden: true },
    why,
    el("p", { text: CHECKS }),
    el(
      "div",
      { class: "actions start" },
      el("button", { type: "button", text: "Back", "data-back": true }),
      again,
    ),
    el(
      "fieldset",
      {},
      el("legend", { text: "Add it without an answer" }),
      el("p", {
        class: "note",
        text: "The box keeps trying and reads the device as soon as it answers.",
      }),
      field("What it is", type),
      field("Name", name),
      el("div", { class: "actions" }, submit),
    ),
  );
  return { form, why, type, name, again, submit, focus: again };
}

async function families() {
  try {
    const { devices } = await box.supported();
    return devices?.length ? devices : KNOWN_FAMILIES;
  } catch {
    return KNOWN_FAMILIES;
  }
}

function choice({ name, title, models }) {
  const some = (models ?? []).slice(0, MODELS_SHOWN).join(", ");
  const more = (models ?? []).length > MODELS_SHOWN ? ", …" : "";
  return el("option", {
    value: name,
    text: some ? `${title || name} (${some}${more})` : title || name,
  });
}

class AddDialog {
  #dialog = byId("add-dialog");
  #address = addressStep();
  #search = searchStep();
  #found = foundStep();
  #silent = silentStep();
  #identity = null;
  #stop = null;
  #announce;

  constructor(announce) {
    this.#announce = announce;
    this.#dialog.append(el("h2", { id: "add-title", text: "Add a device" }));
    for (const step of this.#steps()) {
      this.#dialog.append(step.form);
      step.form.addEventListener("submit", (event) => event.preventDefault());
    }
    this.#address.form.addEventListener("submit", () => this.#look());
    this.#found.form.addEventListener("submit", () => this.#addFound());
    this.#silent.form.addEventListener("submit", () => this.#addSilent());
    this.#silent.again.addEventListener("click", () => this.#look());
    this.#search.stop.addEventListener("click", () => this.#stop?.abort());
    this.#dialog.addEventListener("close", () => this.#stop?.abort());
    for (const button of this.#dialog.querySelectorAll("[data-close]")) {
      button.addEventListener("click", () => this.#dialog.close());
    }
    for (const button of this.#dialog.querySelectorAll("[data-back]")) {
      button.addEventListener("click", () => this.#show(this.#address));
    }
  }

  open() {
    this.#show(this.#address, false);
    this.#dialog.showModal();
    this.#address.focus.focus();
  }

  #steps() {
    return [this.#address, this.#search, this.#found, this.#silent];
  }

  #show(step, focus = true) {
    for (const each of this.#steps()) show(each.form, each === step);
    if (focus) step.focus.focus();
  }

  // The first answer that is still wanted decides; one that was stopped is dropped.
  async #look() {
    const address = this.#address.address();
    const stop = new AbortController();
    this.#stop = stop;
    setText(this.#search.words, `Asking ${address.ip}, port ${address.port}, what it is …`);
    const began = performance.now();
    const tick = () => setText(this.#search.waited, duration(performance.now() - began));
    tick();
    const ticking = setInterval(tick, 1000);
    this.#show(this.#search);
    try {
      this.#showFound(await box.probe(address, stop.signal));
    } catch (failure) {
      if (stop.signal.aborted) this.#show(this.#address, this.#dialog.open);
      else await this.#showSilent(failure);
    } finally {
      clearInterval(ticking);
    }
  }

  #showFound(identity) {
    this.#identity = identity;
    const what = identity.model || "a device of an unknown model";
    setText(this.#found.title, `Found: ${what}`);
    const rows = [
      ["Model", identity.model || "unknown"],
      ["Serial number", identity.serial || "not told"],
      ["Read as", identity.profile],
    ];
    if (!identity.verified) rows.push(["Note", "unknown model: only what can be verified is read"]);
    for (const [name, value] of Object.entries(identity.facts ?? {}))
      rows.push([name, String(value)]);
    this.#found.facts.set(rows);
    this.#found.name.value = identity.model || "";
    this.#show(this.#found);
    this.#found.name.select();
  }

  async #showSilent(failure) {
    setText(this.#silent.why, failure.message);
    this.#silent.type.replaceChildren(...(await families()).map(choice));
    this.#show(this.#silent);
  }

  async #addFound() {
    const error = this.#found.form.querySelector(".error-words");
    await this.#add(this.#found, error, this.#identity.profile);
  }

  async #addSilent() {
    await this.#add(this.#silent, this.#silent.why, this.#silent.type.value);
  }

  async #add(step, error, profile) {
    const name = step.name.value.trim();
    setText(error, "");
    step.submit.disabled = true;
    try {
      await box.addDevice({ ...this.#address.address(), profile, name });
      this.#dialog.close();
      byId("main").focus({ preventScroll: true }); // the button that opened this may be gone
      this.#address.form.reset();
      step.name.value = "";
      this.#announce(`${name || "The device"} was added.`);
    } catch (failure) {
      setText(error, failure.message);
    } finally {
      step.submit.disabled = false;
    }
  }
}

export function addingDevices(announce) {
  const dialog = new AddDialog(announce);
  for (const button of document.querySelectorAll("[data-add-device]")) {
    button.addEventListener("click", () => dialog.open());
  }
}
