// One order's log entry: its timeline, its revisions, and what can be done.

import { call, get, post } from "../core/api.js";
import { h, toast } from "../core/dom.js";
import { money, time } from "../core/format.js";
import { ask, button, card, facts, linkButton, note, page } from "../core/components.js";
import { can } from "../core/session.js";
import { badge } from "../core/labels.js";

function actions(entry, again) {
  if (!can("operate")) return [];
  const open = ["pending", "blocked", "skipped", "failed"].includes(entry.state);
  const process = async () => {
    const operation = await post("/v1/pending-orders/process", { order_ids: [entry.order_id] });
    location.hash = `#/operations/${encodeURIComponent(operation.id)}`;
  };
  const reload = async () => {
    const operation = await post("/v1/operations", { kind: "load_order", order_number: entry.order_number });
    toast("The order is being read again.");
    location.hash = `#/operations/${encodeURIComponent(operation.id)}`;
  };
  const remove = () => ask({
    title: `Delete the log entry of order ${entry.order_number}?`,
    text: ["The order can then be captured again. Its sale is neither voided nor deleted."],
    label: "Delete the entry", danger: true,
    act: async () => {
      const { body } = await call("DELETE", `/v1/log/${entry.order_id}`);
      toast(body.message);
      location.hash = body.live_sale_id ? `#/sales/${encodeURIComponent(body.live_sale_id)}` : "#/log";
    },
  });
  const recreate = () => ask({
    title: `Void and re-create order ${entry.order_number}?`,
    text: ["The sale is voided, with its stock, payments and invoice; the order is read from ShipStation and booked anew."],
    label: "Void and re-create", danger: true,
    act: async () => {
      const answer = await post(`/v1/log/${entry.order_id}/recreate`);
      toast("The order is booked anew.");
      const operation = answer?.operation_id ?? (answer?.kind && answer?.id);
      if (operation) location.hash = `#/operations/${encodeURIComponent(operation)}`;
      else again();
    },
  });
  const held = entry.state === "blocked" && ["merged_after_booking", "split_after_booking", "possible_duplicate"].includes(entry.reason);
  const bookAnyway = () => ask({
    title: `Book order ${entry.order_number} all the same?`,
    text: [entry.message, "It is then booked in full beside the orders named here."],
    label: "Book it", danger: true,
    act: async () => {
      const operation = await post(`/v1/log/${entry.order_id}/book-anyway`);
      location.hash = `#/operations/${encodeURIComponent(operation.id)}`;
    },
  });
  return [
    held && button("Book anyway…", bookAnyway, { kind: "danger" }),
    open && button("Process", process, { kind: "main" }),
    ["booked", "voided"].includes(entry.state) && button("Re-create…", recreate),
    entry.order_number && button("Read again", reload),
    button("Delete entry…", remove, { kind: "danger" }),
  ];
}

export async function show({ params, signal, again }) {
  const entry = await get(`/v1/log/${encodeURIComponent(params[0])}`, signal);
  const line = [...entry.timeline].reverse().map((event) => h("li", {}, h("div", { class: "break" }, event.what), h("div", { class: "soft small" }, time(event.at), ` · ${event.by}`)));
  const why = entry.message && note(entry.state === "failed" ? "bad" : entry.state === "booked" ? "" : "warn", h("p", {}, entry.message), entry.reason && h("code", { class: "soft" }, entry.reason));
  const warnings = entry.warnings.map((warning) => note("warn", h("p", {}, warning.message), h("code", { class: "soft" }, warning.code)));
  const about = card("Order", facts(
    ["State", badge(entry.state)], ["ShipStation's id", h("span", { class: "mono" }, entry.order_id)], ["Store", entry.store_id && String(entry.store_id)],
    ["Order total", money(entry.order_total, entry.currency)], ["Sale total", money(entry.sale_total, entry.currency)],
    ["Sale", entry.sale_id && h("a", { href: `#/sales/${encodeURIComponent(entry.sale_id)}` }, entry.sale_id)],
    ["Captured", time(entry.captured_at)], ["By", entry.captured_by && h("a", { href: `#/operations/${encodeURIComponent(entry.captured_by)}` }, "this operation")],
    ["Revisions", entry.revisions.map((revision) => h("div", {}, time(revision.modified_at), " ", h("code", { class: "soft" }, revision.digest.slice(0, 8))))],
  ));
  const sale = entry.sale_id && linkButton("Open the sale", `#/sales/${encodeURIComponent(entry.sale_id)}`, "main");
  return page({ title: `Order ${entry.order_number || entry.order_id}`, back: ["#/log", "Log"], actions: [sale, ...actions(entry, again)] }, why, warnings,
    h("div", { class: "cols" }, about, card("Timeline", h("ol", { class: "line" }, line))));
}
