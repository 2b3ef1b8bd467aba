// Authorised invoices that wait for the accounting system.

import { post } from "../core/api.js";
import { h, toast } from "../core/dom.js";
import { money, time } from "../core/format.js";
import { list } from "../core/list.js";
import { button, empty, page } from "../core/components.js";
import { can } from "../core/session.js";

export async function show({ signal, again }) {
  const acknowledge = async (one) => {
    await post(`/v1/accounting-syncs/${encodeURIComponent(one.id)}/acknowledge`);
    toast("Acknowledged.");
    again();
  };
  const columns = [
    ["Invoice", (one) => one.invoice_number, { head: true }],
    ["Sale", (one) => h("a", { href: `#/sales/${encodeURIComponent(one.sale_id)}` }, one.sale_id)],
    ["Date", (one) => one.order_date ?? ""],
    ["Total", (one) => money(one.total, one.currency), { num: true }],
    ["Authorised", (one) => time(one.created_at), { when: true }],
  ];
  if (can("operate")) columns.push(["", (one) => button("Acknowledge", () => acknowledge(one), { kind: "small" }), { bare: true, label: "Acknowledge" }]);
  const shown = await list({ label: "Pending syncs", path: "/v1/accounting-syncs", columns, signal, none: empty("Nothing waits", "Authorised invoices wait here until an accounting connector has taken them over.") });
  return page({ title: "Accounting syncs", lead: "Authorised invoices that the accounting system does not have yet, the oldest first." }, shown);
}
