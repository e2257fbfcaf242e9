// What the whole plant does, from what each device says. Pure: values in, values out.
// Signs: solar production, grid import and battery discharge are positive. What nobody reports
// is null, and null is never counted as 0.

import { midnight } from "./format.js";

const FRESH_BEATS = 5; // a reading that missed this many of its polls no longer says "now"
const FRESH_LEAST_MS = 30_000;

export const known = (value) => typeof value === "number" && Number.isFinite(value);

export function sum(values) {
  const present = values.filter(known);
  return present.length ? present.reduce((total, value) => total + value, 0) : null;
}

export function mean(values) {
  const total = sum(values);
  return total === null ? null : total / values.filter(known).length;
}

// Measured on the box's uptime: a step of the wall clock makes no reading old or young.
export function readingAge(device, snapshot) {
  return device.latest ? Math.max(0, snapshot.gateway.uptime_ms - device.latest.uptime_ms) : null;
}

export function isFresh(device, snapshot) {
  const age = readingAge(device, snapshot);
  const limit = Math.max(FRESH_LEAST_MS, FRESH_BEATS * device.config.interval_s * 1000);
  return age !== null && age <= limit;
}

export function powersOf(values) {
  const of = (name) => (known(values?.[name]) ? values[name] : null);
  return {
    pv: of("pv_power"),
    battery: of("battery_power"),
    grid: of("grid_power"),
    load: of("load_power"),
  };
}

// A hybrid beside a second inverter knows the house only without that one's production. So the
// reported loads count where everyone who produces reports one; else the house is what is left:
// sun + battery + grid.
function houseLoad(parts, pv, battery, grid) {
  const producers = parts.filter((part) => part.pv !== null);
  const everyone = parts.some((part) => part.load !== null);
  if (everyone && producers.every((part) => part.load !== null)) {
    return sum(parts.map((part) => part.load));
  }
  return grid === null ? null : sum([pv, battery, grid]);
}

export function plantPowers(parts) {
  const [pv, battery, grid] = ["pv", "battery", "grid"].map((key) =>
    sum(parts.map((part) => part[key])),
  );
  return { pv, battery, grid, load: houseLoad(parts, pv, battery, grid) };
}

export function plantNow(snapshot) {
  const fresh = snapshot.devices.filter((device) => isFresh(device, snapshot));
  const powers = plantPowers(fresh.map((device) => powersOf(device.latest.values)));
  const soc = mean(fresh.map((device) => device.latest.values.battery_soc));
  const silent = snapshot.devices.filter((device) => !fresh.includes(device));
  return { ...powers, soc, silent };
}

// A device without a battery calls its solar energy "yield"; with one, the yield may hold
// what the battery gave back and is not solar energy.
function solarToday(values) {
  if (known(values.pv_energy_today)) return values.pv_energy_today;
  return known(values.battery_soc) ? null : values.yield_energy_today;
}

export function energiesToday(snapshot) {
  const today = midnight(snapshot.at_ms);
  const values = snapshot.devices
    .filter((device) => device.latest && device.latest.taken_at_ms >= today)
    .map((device) => device.latest.values);
  const total = (name) => sum(values.map((each) => each[name]));
  const energies = {
    pv: sum(values.map(solarToday)),
    imported: total("grid_import_energy_today"),
    exported: total("grid_export_energy_today"),
    charged: total("battery_charge_energy_today"),
    discharged: total("battery_discharge_energy_today"),
  };
  const { pv, imported, exported, charged, discharged } = energies;
  const balanced = [pv, imported, exported].every((value) => value !== null);
  const house = balanced
    ? Math.max(0, pv + imported - exported + (discharged ?? 0) - (charged ?? 0))
    : null;
  const own = house ? Math.max(0, 1 - imported / house) * 100 : null;
  return { ...energies, house, own };
}
