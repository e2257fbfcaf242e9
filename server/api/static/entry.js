// The way in: asks the box who we are before anything else, and where that is nobody it shows the
// one dialog that helps. What it is given goes to the box and is kept nowhere; the session is a
// cookie that no script can read, so after each change the page simply begins anew.

import * as box from "./box.js";
import { byId, el, field, setText, show } from "./dom.js";

const PASSWORD_LEAST = 10;
const PASSWORD_MOST = 256;
const SECRET_MOST = 256;

const LOGIN = {
  title: "Log in",
  words: "This box shows itself to its owner.",
  action: "Log in",
};
const CLAIM = {
  title: "Claim this box",
  words:
    "Nobody owns this box yet. Whoever holds its label becomes the owner and chooses the password.",
  action: "Claim it",
};
const RECLAIM = {
  title: "Claim this box anew",
  words:
    "With the secret on the label you get a new password. Everybody who is logged in now is " +
    "logged out.",
  action: "Claim it",
};

export const maySee = (entry) => entry === null || entry.you.scopes.includes("read");

function passwordField(id, label, autocomplete, hint) {
  const input = el("input", {
    id,
    type: "password",
    required: true,
    autocomplete,
    maxlength: PASSWORD_MOST,
    minlength: autocomplete === "new-password" ? PASSWORD_LEAST : null,
  });
  return { input, node: field(label, input, hint) };
}

// Password managers file a password under a name; this box has one owner.
export function ownersName() {
  return el("input", {
    class: "out-of-sight",
    type: "text",
    name: "username",
    value: "owner",
    autocomplete: "username",
    readonly: true,
    tabindex: "-1",
    "aria-hidden": "true",
  });
}

function loginParts() {
  const password = passwordField("login-password", "Password", "current-password");
  return {
    first: password.input,
    nodes: [ownersName(), password.node],
    send: () => box.logIn(password.input.value),
  };
}

function claimParts(again) {
  const secret = el("input", {
    id: "claim-secret",
    type: "text",
    required: true,
    autocomplete: "off",
    autocapitalize: "characters",
    spellcheck: "false",
    maxlength: SECRET_MOST,
  });
  const where = again
    ? "Seven groups of four on the box's label, or what a phone's camera reads from its code."
    : "Seven groups of four on the box's label, or the code that the box printed on its terminal " +
      "when it started.";
  const password = passwordField(
    "claim-password",
    "New password",
    "new-password",
    `At least ${PASSWORD_LEAST} characters. You need it to log in from now on.`,
  );
  const keep = el("input", { id: "claim-keep", type: "checkbox" });
  const kept = el("label", { class: "check", for: "claim-keep" }, keep, "Programs keep their tokens");
  const nodes = [field("Secret on the label", secret, where), ownersName(), password.node];
  return {
    first: secret,
    nodes: again ? [...nodes, kept] : nodes,
    send: () => box.claim(secret.value, password.input.value, keep.checked),
  };
}

// Returns what opens the dialog: `open(entry, needed)`. Where it is needed it cannot be left.
export function wayIn() {
  const dialog = byId("entry-dialog");
  const title = el("h2", { id: "entry-title" });
  const words = el("p", { id: "entry-words" });
  const fields = el("div", { class: "fields" });
  const error = el("p", { class: "error-words", role: "alert" });
  const other = el("button", { type: "button", class: "quiet" });
  const cancel = el("button", { type: "button", text: "Cancel", onclick: () => dialog.close() });
  const act = el("button", { type: "submit", class: "primary" });
  const actions = el("div", { class: "actions" }, other, cancel, act);
  const form = el("form", {}, words, fields, error, actions);
  dialog.append(title, form);
  dialog.setAttribute("aria-describedby", words.id);
  let parts = null;
  let needed = false;

  function draw(claimed, claiming) {
    const about = claiming ? (claimed ? RECLAIM : CLAIM) : LOGIN;
    parts = claiming ? claimParts(claimed) : loginParts();
    setText(title, about.title);
    setText(words, about.words);
    setText(act, about.action);
    setText(error, "");
    fields.replaceChildren(...parts.nodes);
    show(other, claimed);
    setText(other, claiming ? "Log in with the password instead" : "I do not know the password");
    other.onclick = () => draw(claimed, !claiming);
    if (dialog.open) parts.first.focus();
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    act.disabled = true;
    setText(error, "");
    try {
      await parts.send();
      location.reload();
    } catch (failure) {
      setText(error, failure.message);
      act.disabled = false;
      parts.first.focus();
    }
  });
  dialog.addEventListener("cancel", (event) => needed && event.preventDefault());
  dialog.addEventListener("close", () => needed && dialog.showModal());
  return (entry, isNeeded) => {
    needed = isNeeded;
    document.body.dataset.entry = needed ? "needed" : "";
    show(cancel, !needed);
    act.disabled = false;
    draw(entry.claimed, !entry.claimed);
    dialog.showModal();
    parts.first.focus();
  };
}
