// The log: one entry for each captured order.

import { h } from "../core/dom.js";
import { withQuery } from "../core/api.js";
import { money, time } from "../core/format.js";
import { list } from "../core/list.js";
import { empty, page } from "../core/components.js";
import { badge, labelOf } from "../core/labels.js";

const STATES = ["pending", "blocked", "consolidating", "booked", "voided", "withdrawn", "skipped", "failed"];

// Filters that are part of the address, so that a filtered list can be passed on.
export function filters(path, query, fields) {
  const inputs = fields.map((field) => {
    const input = field.options
      ? h("select", { id: `filter-${field.name}`, name: field.name }, h("option", { value: "" }, field.any), field.options.map((option) => (Array.isArray(option) ? option : [option, labelOf(option)])).map(([value, text]) => h("option", { value }, text)))
      : h("input", { id: `filter-${field.name}`, name: field.name, type: field.type ?? "text" });
    input.value = query.get(field.name) ?? "";
    return h("div", { class: "field" }, h("label", { for: input.id }, field.label), input);
  });
  const form = h("form", { class: "filters no-print", role: "search" }, inputs, h("button", { class: "button" }, "Show"), h("a", { class: "button quiet", href: `#${path}` }, "Show all"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = withQuery(path, Object.fromEntries(new FormData(form)));
  });
  return form;
}

export async function show({ query, signal }) {
  const fields = [
    { name: "state", label: "State", options: STATES, any: "Any" },
    { name: "order_number", label: "Order number" },
    { name: "warning", label: "Wants attention", options: ["cancelled_after_booking", "changed_after_booking", "merged_after_booking", "split_after_booking", "possible_duplicate", "tax_not_added", "tax_rule_without_percent", "total_adjusted", "stock_short", "components_short"], any: "Any" },
    { name: "from", label: "From", type: "date" },
    { name: "to", label: "To", type: "date" },
  ];
  const shown = await list({
    label: "Log", path: "/v1/log", signal, query: Object.fromEntries(query),
    none: empty("No entry", query.size > 0 ? "No order fits these filters." : "Orders appear here from the moment they are captured."),
    columns: [
      ["Order", (one) => h("a", { href: `#/log/${one.order_id}` }, one.order_number || `#${one.order_id}`), { head: true, code: true }],
      ["State", (one) => badge(one.state)],
      ["Reason", (one) => h("div", { class: "clamp" }, one.message ?? one.warnings.map((warning) => warning.message).join(" ")), { wide: true }],
      ["Sale", (one) => one.sale_id && h("a", { href: `#/sales/${encodeURIComponent(one.sale_id)}` }, one.sale_id), { code: true }],
      ["Order total", (one) => money(one.order_total, one.currency), { num: true }],
      ["Captured", (one) => time(one.captured_at), { when: true }],
    ],
  });
  return page({ title: "Log", lead: "One entry for each captured order: what became of it, and why." }, filters("/log", query, fields), shown);
}
