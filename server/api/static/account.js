// The account of a dongle that wants a login: given when it is added, changed on its card. The box
// keeps the password to itself, so its field is empty whenever it is shown.

import * as box from "./box.js";
import { byId, el, field, setText } from "./dom.js";

const NAME_MOST = 64;
const PASSWORD_MOST = 128;

// Modbus knows no accounts; a battery shares its inverter's.
export function logsIn({ endpoint, parent }) {
  return endpoint.scheme === "winet" && !parent;
}

export function accountFields(prefix) {
  const user = el("input", {
    id: `${prefix}-user`,
    type: "text",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    placeholder: "admin",
    maxlength: NAME_MOST,
  });
  const password = el("input", {
    id: `${prefix}-password`,
    type: "password",
    autocomplete: "off",
    maxlength: PASSWORD_MOST,
  });
  const node = el("div", { class: "pair" }, field("User", user), field("Password", password));
  return { node, user, password };
}

// Returns what opens the dialog for a device.
export function accounts(announce) {
  const dialog = byId("account-dialog");
  const title = el("h2", { id: "account-title" });
  const { node, user, password } = accountFields("account");
  password.required = true;
  const error = el("p", { class: "error-words", role: "alert" });
  const cancel = el("button", { type: "button", text: "Cancel", onclick: () => dialog.close() });
  const save = el("button", { type: "submit", class: "primary", text: "Log in with it" });
  const form = el(
    "form",
    {},
    el("p", {
      text:
        "What the dongle's own page takes. The box logs in with it from now on; the device and " +
        "its readings stay.",
    }),
    node,
    error,
    el("div", { class: "actions" }, cancel, save),
  );
  dialog.append(title, form);
  let config = null;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    save.disabled = true;
    try {
      await box.changeAccount(config, user.value.trim(), password.value);
      dialog.close();
      announce(`The account of ${config.name || config.device_id} was changed.`);
    } catch (failure) {
      setText(error, failure.message);
    } finally {
      save.disabled = false;
    }
  });
  dialog.addEventListener("close", () => (password.value = ""));
  return (device) => {
    config = device.config;
    setText(title, `Account of ${config.name || config.device_id}`);
    setText(error, "");
    user.value = config.user ?? "";
    dialog.showModal();
    (user.value ? password : user).focus();
  };
}
