// Who may enter: in whose eyes this page is shown, the owner's password, the programs' tokens.

import * as box from "./box.js";
import { byId, el, field, keyed, setAttribute, setText, show } from "./dom.js";
import { ownersName } from "./entry.js";
import { date } from "./format.js";

const NAME_MOST = 64;
const PASSWORD_LEAST = 10;
const PASSWORD_MOST = 256;
const SCOPES = [
  ["read", "See the house"],
  ["configure", "Change the gateway"],
  ["control", "Write to devices"],
];

const scopeWords = (scopes) =>
  SCOPES.filter(([name]) => scopes.includes(name))
    .map(([, words]) => words.toLowerCase())
    .join(", ");

function standing({ access, exposed, claimed, you }) {
  if (exposed) return "Everybody who reaches this box over the network may use and change it.";
  if (access === "open") {
    const more = claimed ? "" : " Nobody owns it yet.";
    return `Only this machine reaches the box, and everybody on it may use it.${more}`;
  }
  return you.owner
    ? "Only you may enter, and the programs to which you give a token."
    : "Only the owner may enter, and the programs to which he gave a token.";
}

// A dialog with a form: `send` is awaited, and what it throws is shown.
function formDialog(id, titleId, action, parts, send) {
  const dialog = byId(id);
  const error = el("p", { class: "error-words", role: "alert" });
  const cancel = el("button", { type: "button", text: "Cancel", onclick: () => dialog.close() });
  const act = el("button", { type: "submit", class: "primary", text: action });
  const form = el("form", {}, ...parts, error, el("div", { class: "actions" }, cancel, act));
  dialog.append(el("h2", { id: titleId }), form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    act.disabled = true;
    setText(error, "");
    try {
      await send();
    } catch (failure) {
      setText(error, failure.message);
    } finally {
      act.disabled = false;
    }
  });
  const begin = (title, first) => {
    setText(byId(titleId), title);
    setText(error, "");
    form.reset();
    dialog.showModal();
    first.focus();
  };
  return { dialog, form, act, begin };
}

function passwordDialog(announce) {
  const make = (id, autocomplete) =>
    el("input", {
      id,
      type: "password",
      required: true,
      autocomplete,
      maxlength: PASSWORD_MOST,
      minlength: autocomplete === "new-password" ? PASSWORD_LEAST : null,
    });
  const old = make("password-old", "current-password");
  const fresh = make("password-new", "new-password");
  const hint = `At least ${PASSWORD_LEAST} characters. Every other browser is logged out.`;
  const fields = [field("Password until now", old), field("New password", fresh, hint)];
  const parts = [ownersName(), ...fields];
  const made = formDialog("password-dialog", "password-title", "Change it", parts, async () => {
    await box.changePassword(old.value, fresh.value);
    made.form.reset();
    made.dialog.close();
    announce("The password was changed.");
  });
  return () => made.begin("Change the password", old);
}

// The token is shown in the same dialog, once; closing it forgets it.
function tokenDialog(announce, changed) {
  const name = el("input", {
    id: "token-name",
    type: "text",
    required: true,
    autocomplete: "off",
    maxlength: NAME_MOST,
    placeholder: "Home Assistant",
  });
  const boxes = SCOPES.map(([scope, words]) => {
    const input = el("input", { id: `token-${scope}`, type: "checkbox", checked: scope === "read" });
    return { scope, input, node: el("label", { class: "check", for: input.id }, input, words) };
  });
  const legend = el("legend", { text: "What it may do" });
  const wishes = el(
    "div",
    { class: "fields" },
    field("Name of the program", name),
    el("fieldset", {}, legend, ...boxes.map(({ node }) => node)),
  );
  const token = el("textarea", { id: "token-made", rows: "2", readonly: true, class: "code" });
  const done = el("button", { type: "button", class: "primary", text: "Done" });
  const result = el(
    "div",
    { class: "fields", hidden: true },
    field("Token", token, "Copy it now: it is shown this once and never again."),
    el("div", { class: "actions" }, done),
  );
  const made = formDialog("token-dialog", "token-title", "Make the token", [wishes], async () => {
    const scopes = boxes.filter(({ input }) => input.checked).map(({ scope }) => scope);
    const told = await box.makeToken(name.value, scopes);
    token.value = told.token;
    show(made.form, false);
    show(result, true);
    setText(byId("token-title"), `Token of ${told.name}`);
    token.focus();
    token.select();
    announce("The token was made. Copy it now.");
    changed();
  });
  made.dialog.append(result);
  done.addEventListener("click", () => made.dialog.close());
  made.dialog.addEventListener("close", () => (token.value = ""));
  return () => {
    show(made.form, true);
    show(result, false);
    made.begin("A token for a program", name);
  };
}

function revokeDialog(announce, changed) {
  let asked = null;
  const words = el("p", { text: "The program that has it cannot enter any more, from now on." });
  const parts = [words];
  const made = formDialog("revoke-dialog", "revoke-title", "Revoke it", parts, async () => {
    await box.revokeToken(asked.id);
    made.dialog.close();
    byId("new-token").focus({ preventScroll: true }); // the row and its button go away
    announce(`The token of ${asked.name} was revoked.`);
    changed();
  });
  made.act.classList.add("danger");
  return (token) => {
    asked = token;
    made.begin(`Revoke the token of ${token.name}?`, made.dialog.querySelector("button"));
  };
}

function tokenRow(revoke) {
  const name = el("span", { class: "token-name" });
  const may = el("span", { class: "muted" });
  const button = el("button", { type: "button", class: "quiet danger", text: "Revoke" });
  let current = null;
  button.addEventListener("click", () => revoke(current));
  const words = el("p", {}, name, " ", may);
  return {
    node: el("li", { class: "token" }, words, button),
    update(token) {
      current = token;
      setText(name, token.name);
      const inFile = "with a token in a file on the box";
      const since = token.revocable ? `since ${date(token.made_at_ms)}` : inFile;
      setText(may, `may ${scopeWords(token.scopes)}, ${since}`);
      setAttribute(button, "aria-label", `Revoke the token of ${token.name}`);
      show(button, token.revocable);
    },
  };
}

// Draws the section for `entry`, the box's answer to who we are.
export function accessCard(entry, announce, openWayIn) {
  const card = byId("access-card");
  show(byId("access"), true);
  card.append(el("p", { text: standing(entry) }));
  if (!entry.you.owner) {
    const words = entry.claimed ? "Log in as the owner" : "Claim this box";
    const onclick = () => openWayIn(entry, false);
    const button = el("button", { type: "button", text: words, onclick });
    card.append(el("div", { class: "actions start" }, button));
    return;
  }
  const list = el("ul", { class: "tokens", "aria-label": "Tokens" });
  const failure = el("p", { class: "error-words", role: "alert" });
  const refresh = async () => {
    try {
      const { tokens } = await box.tokens();
      rows(tokens, ({ id }) => id);
      setText(failure, "");
    } catch (error) {
      setText(failure, error.message);
    }
  };
  const revoke = revokeDialog(announce, refresh);
  const rows = keyed(list, () => tokenRow(revoke));
  const makeToken = tokenDialog(announce, refresh);
  const changePassword = passwordDialog(announce);
  const logOut = async () => {
    try {
      await box.logOut();
      location.reload();
    } catch (error) {
      setText(failure, error.message);
    }
  };
  const button = (text, onclick, id = null) => el("button", { type: "button", text, onclick, id });
  card.append(
    list,
    failure,
    el(
      "div",
      { class: "actions start" },
      button("New token", makeToken, "new-token"),
      button("Change the password", changePassword),
      button("Log out", logOut),
    ),
  );
  refresh();
}
