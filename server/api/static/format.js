// Turns values into words: separators by the browser's language, times in the browser's zone.
// What is absent is a dash, never a zero.

export const ABSENT = "–";
export const GAP = "\u202f"; // narrow and unbreakable, between a figure and its unit

const formats = new Map();
function number(value, digits, least = digits) {
  const key = `${digits}/${least}`;
  if (!formats.has(key)) {
    const options = { maximumFractionDigits: digits, minimumFractionDigits: least };
    formats.set(key, new Intl.NumberFormat(undefined, options));
  }
  const text = formats.get(key).format(value);
  const minus = /[1-9]/.test(text) ? "\u2212" : ""; // what rounds to zero has no sign
  return text.replace(/^-/, minus);
}

const known = (value) => typeof value === "number" && Number.isFinite(value);
const withUnit = (text, unit) => (unit ? text + GAP + unit : text);

export function count(value) {
  return known(value) ? number(value, 0) : ABSENT;
}

// 850 W, 3.24 kW, 41.6 kW: three figures that matter, and a steady width while they move.
function kilo(value, unit) {
  if (!known(value)) return ABSENT;
  if (Math.abs(value) < 999.5) return withUnit(number(Math.round(value) || 0, 0), unit);
  const thousands = value / 1000;
  const size = Math.abs(thousands);
  const digits = size < 9.995 ? 2 : size < 999.95 ? 1 : 0;
  return withUnit(number(thousands, digits), `k${unit}`);
}

export const power = (watts) => kilo(watts, "W");
export const energy = (wattHours) => kilo(wattHours, "Wh");
// A figure alone, for an axis or a column whose head names the unit.
export const kilowatts = (watts) => (known(watts) ? number(watts / 1000, 2) : ABSENT);
export const percent = (value) => (known(value) ? withUnit(number(value, 0), "%") : ABSENT);

export function quantity(value, unit) {
  if (typeof value === "string") return value === "" ? ABSENT : value;
  if (!known(value)) return ABSENT;
  if (["W", "Wh", "VA", "var"].includes(unit)) return kilo(value, unit);
  return withUnit(number(value, Math.abs(value) < 1000 ? 2 : 0, 0), unit);
}

export function bytes(value) {
  if (!known(value)) return ABSENT;
  const units = ["B", "kB", "MB", "GB", "TB"];
  let step = 0;
  let rest = value;
  while (rest >= 1000 && step < units.length - 1) {
    rest /= 1000;
    step += 1;
  }
  return withUnit(number(rest, rest < 10 && step > 0 ? 1 : 0, 0), units[step]);
}

export function duration(milliseconds) {
  if (!known(milliseconds)) return ABSENT;
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [days, hours, minutes] = [86400, 3600, 60].map((unit) => Math.floor(seconds / unit));
  if (days > 0) return `${count(days)}${GAP}d ${hours % 24}${GAP}h`;
  if (hours > 0) return `${hours}${GAP}h ${minutes % 60}${GAP}min`;
  if (minutes > 0) return `${minutes}${GAP}min`;
  return `${seconds}${GAP}s`;
}

export function age(milliseconds) {
  if (!known(milliseconds)) return ABSENT;
  return milliseconds < 1500 ? "just now" : `${duration(milliseconds)} ago`;
}

const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const dayOfYear = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const hourMinute = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const toTheSecond = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

export const time = (ms) => (known(ms) ? hourMinute.format(ms) : ABSENT);
export const timeToTheSecond = (ms) => (known(ms) ? toTheSecond.format(ms) : ABSENT);
export const date = (ms) => (known(ms) ? dayOfYear.format(ms) : ABSENT);

// A time of today by its hour, any other with its day.
export function moment(ms, nowMs) {
  if (!known(ms)) return ABSENT;
  return midnight(ms) === midnight(nowMs) ? time(ms) : `${day.format(ms)}, ${time(ms)}`;
}

export function midnight(ms) {
  return new Date(ms).setHours(0, 0, 0, 0);
}

export function plural(amount, one, many) {
  return `${count(amount)} ${amount === 1 ? one : many}`;
}
