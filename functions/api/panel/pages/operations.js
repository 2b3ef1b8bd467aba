// What ran, by whom, and starting something.

import { post } from "../core/api.js";
import { h } from "../core/dom.js";
import { duration, number, time } from "../core/format.js";
import { list } from "../core/list.js";
import { ask, button, empty, page } from "../core/components.js";
import { can } from "../core/session.js";
import { aboutOperation, badge } from "../core/labels.js";

function started(operation) {
  location.hash = `#/operations/${encodeURIComponent(operation.id)}`;
}

function loadSince() {
  const today = new Date();
  const ago = (days) => new Date(today - days * 86400000).toISOString().slice(0, 10);
  ask({
    title: "Load orders",
    text: "Reads every order that came into ShipStation since the beginning of that day. Orders that are here already are not booked twice.",
    fields: [{ name: "from", label: "Since", type: "date", value: ago(1), min: ago(366), max: ago(-1) }],
    label: "Load",
    act: async ({ from }) => started(await post("/v1/operations", { kind: "load_orders", from })),
  });
}

function loadOne() {
  ask({
    title: "Load one order",
    text: "Reads the orders with exactly this number from ShipStation.",
    fields: [{ name: "order_number", label: "Order number" }],
    label: "Load",
    act: async ({ order_number: number }) => started(await post("/v1/operations", { kind: "load_order", order_number: number })),
  });
}

export function countsText(counts) {
  const parts = Object.entries(counts).filter(([name, value]) => value > 0 && name !== "total").map(([name, value]) => `${number(value)} ${name}`);
  return parts.join(", ") || "nothing";
}

export async function show({ query, signal }) {
  const shown = await list({
    label: "Operations", path: "/v1/operations", limit: 25, signal,
    none: empty("Nothing ran yet", "The schedule downloads by itself; you can load orders from a day or by their number."),
    columns: [
      ["Operation", (one) => h("a", { href: `#/operations/${encodeURIComponent(one.id)}` }, aboutOperation(one)), { head: true }],
      ["State", (one) => badge(one.state)],
      ["By", (one) => (one.trigger === "schedule" ? "the schedule" : one.by)],
      ["Orders", (one) => number(one.counts.total), { num: true }],
      ["Became", (one) => one.message ?? countsText(one.counts)],
      ["Requests", (one) => number(one.requests_used), { num: true }],
      ["Took", (one) => duration(one.duration_ms), { num: true }],
      ["Began", (one) => time(one.started_at), { when: true }],
    ],
  });
  const actions = can("operate") ? [button("Load one order…", loadOne), button("Load orders…", loadSince, { kind: "main" })] : [];
  if (query.get("start") && can("operate")) {
    history.replaceState(null, "", "#/operations");
    setTimeout(loadSince, 0);
  }
  return page({ title: "Operations", lead: "Every run: by whom, when, and what became of each order that it read.", actions }, shown);
}
