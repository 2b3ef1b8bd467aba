// Sales, the newest first.

import { h } from "../core/dom.js";
import { money, time } from "../core/format.js";
import { list } from "../core/list.js";
import { filters } from "./log.js";
import { empty, page } from "../core/components.js";
import { badge } from "../core/labels.js";

export function sourceOf(sale) {
  if (sale.kind === "consolidated") return `Day's sale of ${sale.source.local_date ?? ""}`;
  return sale.source.store_name ?? (sale.source.store_id ? `Store ${sale.source.store_id}` : "");
}

export async function show({ query, signal }) {
  const shown = await list({
    label: "Sales", path: "/v1/sales", signal, query: Object.fromEntries(query),
    none: empty("No sale", query.size > 0 ? "No sale was booked on these days." : "Sales appear here as soon as orders are booked."),
    columns: [
      ["Sale", (one) => h("a", { href: `#/sales/${encodeURIComponent(one.id)}` }, one.number || one.id), { head: true }],
      ["Customer", (one) => one.customer?.name ?? ""],
      ["From", (one) => sourceOf(one)],
      ["Status", (one) => badge(one.status)],
      ["Lines", (one) => String(one.lines?.length ?? ""), { num: true }],
      ["Total", (one) => money(one.total, one.currency), { num: true }],
      ["Booked", (one) => time(one.created_at), { when: true }],
    ],
  });
  const fields = [{ name: "warning", label: "Wants attention", options: ["stock_short", "components_short", "cancelled_after_booking", "changed_after_booking", "merged_after_booking", "tax_not_added", "tax_rule_without_percent", "total_adjusted"], any: "Any" }, { name: "from", label: "From", type: "date" }, { name: "to", label: "To", type: "date" }];
  return page({ title: "Sales", lead: "What orders became. Each equals its order to the cent." }, filters("/sales", query, fields), shown);
}
