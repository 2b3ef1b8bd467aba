// Orders that could not be read, and what ShipStation's lists break at.

import { h } from "../core/dom.js";
import { time } from "../core/format.js";
import { list } from "../core/list.js";
import { empty, page } from "../core/components.js";

export async function show({ signal }) {
  const columns = [
    ["Order", (one) => (one.order_id ? h("span", { class: "mono" }, String(one.order_id)) : "not known"), { head: true }],
    ["Where", (one) => h("code", {}, one.position)],
    ["Between", (one) => (one.from ? [time(one.from), " and ", one.until ? time(one.until) : "now"] : "")],
    ["Seen first", (one) => time(one.first_seen), { when: true }],
    ["Tried", (one) => String(one.attempts), { num: true }],
  ];
  const shown = await list({ label: "Unreadable orders", path: "/v1/unreadable-orders", columns, signal, none: empty("Nothing is unreadable", "Every order that ShipStation sent could be read.") });
  return page({ title: "Unreadable orders", lead: "Each download tries them again. What ShipStation sent is kept with the row of the operation that met it; correct the order there, and it is taken by itself." }, shown);
}
