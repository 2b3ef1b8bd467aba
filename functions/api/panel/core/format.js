// Times in the merchant's zone, amounts with their currency.

import { currentMe } from "./session.js";
import { h } from "./dom.js";

const formats = new Map();

function dates(options) {
  const zone = currentMe()?.time_zone ?? "UTC";
  const key = JSON.stringify([zone, options]);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(undefined, { timeZone: zone, ...options }));
  return formats.get(key);
}

// A moment, to the minute, in the merchant's zone; its exact form when one points at it.
export function time(at) {
  if (!at) return "";
  const moment = new Date(at);
  const thisYear = dates({ year: "numeric" }).format(moment) === dates({ year: "numeric" }).format(new Date());
  const shown = dates({ day: "numeric", month: "short", year: thisYear ? undefined : "numeric", hour: "2-digit", minute: "2-digit" }).format(moment);
  const exact = dates({ dateStyle: "full", timeStyle: "long" }).format(moment);
  return h("time", { datetime: at, title: exact }, shown);
}

// The time of day alone.
export function clock(at) {
  return dates({ hour: "2-digit", minute: "2-digit" }).format(new Date(at));
}

// "in 12 minutes", "3 hours ago".
export function relative(at, now) {
  const seconds = Math.round((new Date(at) - new Date(now ?? Date.now())) / 1000);
  const words = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  if (Math.abs(seconds) < 90) return words.format(Math.round(seconds / 5) * 5, "second");
  if (Math.abs(seconds) < 5400) return words.format(Math.round(seconds / 60), "minute");
  if (Math.abs(seconds) < 129600) return words.format(Math.round(seconds / 3600), "hour");
  return words.format(Math.round(seconds / 86400), "day");
}

export function duration(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return "";
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

// An amount with its currency. The text is formatted as it is, so that no digit is lost in a float.
export function money(amount, currency) {
  if (amount === null || amount === undefined) return "";
  const decimals = (String(amount).split(".")[1] ?? "").length;
  try {
    const usual = new Intl.NumberFormat(undefined, { style: "currency", currency });
    const most = Math.max(decimals, usual.resolvedOptions().maximumFractionDigits);
    return new Intl.NumberFormat(undefined, { style: "currency", currency, maximumFractionDigits: most }).format(amount);
  } catch {
    return `${amount} ${currency}`;
  }
}

export function number(value) {
  return new Intl.NumberFormat(undefined).format(value);
}

// A count that may have stopped at its bound.
export function count(value) {
  return value.more ? `${number(value.count)}+` : number(value.count);
}

export function plural(value, one, many) {
  return `${number(value)} ${value === 1 ? one : many}`;
}

export function address(value) {
  if (!value) return [];
  const town = [value.city, value.state, value.postal_code].filter(Boolean).join(" ");
  return [value.name, value.company, value.street1, value.street2, value.street3, town, value.country, value.phone].filter(Boolean);
}
