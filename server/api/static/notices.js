// What the box tells its owner, until it is dismissed.

import * as box from "./box.js";
import { byId, el, keyed, setAttribute, setText, show } from "./dom.js";
import { count, moment } from "./format.js";

const LEVELS = { info: "Note", warning: "Warning", error: "Error" };

function occurrences({ first_at_ms, last_at_ms, count: times }, nowMs) {
  if (times <= 1) return moment(last_at_ms, nowMs);
  const [first, last] = [moment(first_at_ms, nowMs), moment(last_at_ms, nowMs)];
  return `${count(times)} times, last ${last}, first ${first}`;
}

// Where the focus goes when the line it is in goes away.
function nextDismiss(node) {
  return (node.nextElementSibling ?? node.previousElementSibling)?.querySelector("button");
}

function line(context, notice) {
  const level = el("strong", { class: "level" });
  const text = el("span");
  const when = el("span", { class: "muted" });
  const error = el("span", { class: "error-words", role: "alert" });
  const dismiss = el("button", { type: "button", class: "quiet", text: "Dismiss" });
  dismiss.addEventListener("click", async () => {
    dismiss.disabled = true;
    // Asked before the box is: its next snapshot may take the line away before it answers.
    const next = nextDismiss(node);
    try {
      await box.dismissNotice(notice.notice_id);
      setText(error, "");
      context.announce("Notice dismissed.");
      (next?.isConnected ? next : byId("main")).focus({ preventScroll: true });
    } catch (failure) {
      setText(error, failure.message);
      dismiss.disabled = false;
    }
  });
  const words = el("p", {}, level, " ", text, " ", when, " ", error);
  const node = el("li", { class: "notice", "data-notice": notice.notice_id }, words, dismiss);
  return {
    node,
    update(next) {
      const { snapshot } = context;
      const device = snapshot.devices.find(({ config }) => config.device_id === next.device);
      const whose = device?.config.name || next.device;
      setAttribute(words.parentElement, "data-level", next.level);
      setText(level, LEVELS[next.level] ?? next.level);
      setText(text, whose ? `${whose}: ${next.text}` : next.text);
      setText(when, occurrences(next, snapshot.at_ms));
      setAttribute(dismiss, "aria-label", `Dismiss: ${next.text}`);
    },
  };
}

export function noticeList(context) {
  const update = keyed(byId("notice-list"), (notice) => line(context, notice));
  let told = null;
  return (snapshot) => {
    // How a search goes on is shown where it was asked for.
    const notices = snapshot.notices.filter(({ key }) => !key?.startsWith("probe "));
    const fresh = notices.filter((notice) => told && !told.has(notice.notice_id));
    told = new Set(notices.map((notice) => notice.notice_id));
    for (const notice of fresh) context.announce(`${LEVELS[notice.level] ?? ""}: ${notice.text}`);
    show(byId("notices"), notices.length > 0);
    update(notices, (notice) => notice.notice_id);
  };
}
