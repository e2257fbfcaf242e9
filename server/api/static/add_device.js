// Adding a device: its address, what answers there, its name. The box finds out the rest, and each
// of its steps shows while it happens. When nothing answers (an inverter sleeps at night) the device
// can be added all the same, by saying what it is.

import { accountFields } from "./account.js";
import * as box from "./box.js";
import { byId, el, field, figures, setText, show } from "./dom.js";
import { duration } from "./format.js";

// Offered when the box's own list is not to be had.
const KNOWN_FAMILIES = [
  { name: "sungrow_hybrid", title: "Sungrow hybrid", models: [] },
  { name: "sungrow", title: "Sungrow string", models: [] },
];
const NAME_MOST = 64;
const PROGRESS_NOTICE = "probe "; // what the keys of progress notices begin with; the host follows
const MODELS_SHOWN = 3;
const LOGIN_WANTED = /refuses the login|account is locked/;

const whole = (id, least, most) =>
  el("input", {
    id,
    type: "number",
    inputmode: "numeric",
    placeholder: "found out",
    step: "1",
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
  const port = whole("add-port", 1, 65535);
  const unit = whole("add-unit", 0, 255);
  const { node: account, user, password } = accountFields("add");
  const more = el(
    "details",
    {},
    el("summary", {}, el("span", { text: "More" })),
    el("div", { class: "pair" }, field("Port", port), field("Unit id", unit)),
    account,
    el("p", { class: "note", text: "For a dongle whose own page wants a changed password." }),
  );
  const form = el(
    "form",
    { "data-step": "address" },
    field(
      "Address in your network",
      host,
      "Your router lists it among its devices; a name works as well as numbers.",
    ),
    more,
    el(
      "div",
      { class: "actions" },
      el("button", { type: "button", text: "Cancel", "data-close": true }),
      el("button", { type: "submit", class: "primary", text: "Look for the device" }),
    ),
  );
  const given = (input) => (input.value === "" ? undefined : Number(input.value));
  const address = () => ({
    ip: host.value.trim(),
    port: given(port),
    unit_id: given(unit),
    user: user.value.trim(),
    password: password.value,
  });
  return { form, address, more, password, focus: host };
}

function searchStep() {
  const words = el("p", { role: "status" });
  const waited = el("span", { class: "muted" });
  const steps = el("ol", { class: "steps note" });
  const stop = el("button", { type: "button", text: "Stop looking" });
  const form = el(
    "form",
    { "data-step": "search", hidden: true },
    el("div", { class: "busy", "aria-hidden": "true" }, el("span")),
    words,
    steps,
    el("p", {}, waited),
    el("div", { class: "actions" }, stop),
  );
  return { form, words, steps, waited, stop, focus: stop };
}

// "battery, serial S230…" of what would be added along with the device.
function alsoWords(also) {
  return also
    .map(({ name, model, serial }) => (name || model) + (serial ? ` (serial ${serial})` : ""))
    .join(", ");
}

function foundStep() {
  const title = el("p", { class: "found", id: "add-found" });
  const facts = figures("figures list");
  const name = nameInput("add-name");
  const also = el("input", { id: "add-also", type: "checkbox", checked: true });
  const alsoText = el("span");
  const alsoField = el("label", { class: "check", for: also.id, hidden: true }, also, alsoText);
  const submit = el("button", { type: "submit", class: "primary", text: "Add this device" });
  const form = el(
    "form",
    { "data-step": "found", hidden: true },
    title,
    facts.node,
    field("Name", name, "What you call it. It can stay empty.", title.id),
    alsoField,
    el("p", { class: "error-words", role: "alert" }),
    el(
      "div",
      { class: "actions" },
      el("button", { type: "button", text: "Back", "data-back": true }),
      submit,
    ),
  );
  return { form, title, facts, name, also, alsoText, alsoField, submit, focus: name };
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
    // Likeliest first: a battery, which has few models, is seldom what was looked for.
    const count = ({ models }) => models?.length ?? 0;
    return devices?.length ? devices.sort((a, b) => count(b) - count(a)) : KNOWN_FAMILIES;
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
    this.#address.password.value = "";
    this.#show(this.#address, false);
    this.#dialog.showModal();
    this.#address.focus.focus();
  }

  // The newest line is read aloud; all of them stay to be looked at.
  update({ notices }) {
    if (this.#search.form.hidden) return;
    const key = PROGRESS_NOTICE + this.#address.address().ip;
    const notice = notices.find((each) => each.key === key);
    if (!notice) return;
    const lines = notice.text.split("\n");
    setText(this.#search.words, lines.at(-1));
    const items = lines.map((text) => el("li", { text }));
    this.#search.steps.replaceChildren(...items);
    this.#search.steps.scrollTop = this.#search.steps.scrollHeight; // the newest is in sight
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
    const port = address.port ? `, port ${address.port},` : "";
    setText(this.#search.words, `Asking ${address.ip}${port} what it is …`);
    this.#search.steps.replaceChildren();
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
    const also = identity.also ?? [];
    show(this.#found.alsoField, also.length > 0);
    this.#found.also.checked = also.length > 0;
    setText(this.#found.alsoText, `Add with it: ${alsoWords(also)}`);
    this.#found.name.value = identity.model || "";
    this.#show(this.#found);
    this.#found.name.select();
  }

  async #showSilent(failure) {
    setText(this.#silent.why, failure.message);
    if (LOGIN_WANTED.test(failure.message)) this.#address.more.open = true;
    this.#silent.type.replaceChildren(...(await families()).map(choice));
    this.#show(this.#silent);
  }

  async #addFound() {
    const error = this.#found.form.querySelector(".error-words");
    const { profile, endpoint, unit_id, also } = this.#identity;
    const way = endpoint ? { port: endpoint.port, scheme: endpoint.scheme, unit_id } : {};
    if (!this.#found.also.checked) return this.#add(this.#found, error, profile, way);
    // What is beside and behind it is found again by the box itself, under all units.
    if (also.some(({ behind }) => !behind)) way.unit_id = undefined;
    return this.#add(this.#found, error, "auto", way);
  }

  async #addSilent() {
    await this.#add(this.#silent, this.#silent.why, this.#silent.type.value);
  }

  async #add(step, error, profile, way = {}) {
    const name = step.name.value.trim();
    setText(error, "");
    step.submit.disabled = true;
    try {
      await box.addDevice({ ...this.#address.address(), ...way, profile, name });
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
  return (snapshot) => dialog.update(snapshot);
}
