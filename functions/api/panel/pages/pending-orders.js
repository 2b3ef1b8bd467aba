// Orders that are captured and not a sale yet: why, and what to do.

import { post } from "../core/api.js";
import { h, toast } from "../core/dom.js";
import { money, time } from "../core/format.js";
import { list } from "../core/list.js";
import { button, empty, linkTabs, page } from "../core/components.js";
import { can } from "../core/session.js";
import { badge } from "../core/labels.js";

async function process(order_ids) {
  const operation = await post("/v1/pending-orders/process", order_ids ? { order_ids } : {});
  toast("The orders are being processed.");
  location.hash = `#/operations/${encodeURIComponent(operation.id)}`;
}

export async function show({ query, signal }) {
  const state = query.get("state") ?? "";
  const chosen = new Set();
  const some = button("Process the chosen ones", () => process([...chosen]), { disabled: true });
  const operate = can("operate");
  const choose = (order) => h("input", {
    type: "checkbox", "aria-label": `Choose order ${order.order_number}`,
    on: { change: (event) => {
      if (event.target.checked) chosen.add(order.order_id);
      else chosen.delete(order.order_id);
      some.disabled = chosen.size === 0;
      some.textContent = chosen.size > 0 ? `Process the ${chosen.size} chosen` : "Process the chosen ones";
    } },
  });
  const columns = [
    ["Order", (one) => h("a", { href: `#/log/${one.order_id}` }, one.order_number || `#${one.order_id}`), { head: true, code: true }],
    ["State", (one) => badge(one.state)],
    ["Why, and what to do", (one) => one.message ?? (one.state === "pending" ? "It waits for its turn." : ""), { wide: true }],
    ["Total", (one) => money(one.order_total, one.currency), { num: true }],
    ["Captured", (one) => time(one.captured_at), { when: true }],
  ];
  if (operate) {
    columns.unshift(["", choose, { tight: true, label: "Choose" }]);
    columns.push(["", (one) => button("Process", () => process([one.order_id]), { kind: "small" }), { bare: true, label: "Process" }]);
  }
  const shown = await list({ label: "Pending orders", path: "/v1/pending-orders", query: { state }, columns, signal, none: empty("No order waits", "Every captured order has become a sale, or was skipped with a reason that the log keeps.") });
  const tabs = [["All", "#/pending"], ["Pending", "#/pending?state=pending"], ["Blocked", "#/pending?state=blocked"]];
  const actions = operate ? [some, button("Process all", () => process(null), { kind: "main" })] : [];
  return page({ title: "Pending orders", lead: "Captured, and not a sale yet. Blocked orders go on by themselves when what they miss is there.", actions }, linkTabs("Which orders", tabs, { pending: "Pending", blocked: "Blocked" }[state] ?? "All"), shown);
}
