// A sale: its document with all its parts.

import { get } from "../core/api.js";
import { h } from "../core/dom.js";
import { address, money, number, time } from "../core/format.js";
import { list, table } from "../core/list.js";
import { card, empty, facts, note, page, tabs } from "../core/components.js";
import { actions } from "./sale-actions.js";
import { sourceOf } from "./sales.js";
import { badge, sentence } from "../core/labels.js";

function lines(sale) {
  const amount = (value) => money(value, sale.currency);
  const columns = [
    ["#", (one) => String(one.line_no), { tight: true }],
    ["Article", (one) => h("div", {}, h("div", {}, one.name), h("div", { class: "soft small" }, [one.sku, one.comment_display].filter(Boolean).join(" · ")), one.service && h("span", { class: "badge warn" }, "Service line")), { head: true }],
    ["Quantity", (one) => number(one.quantity), { num: true }],
    ["Unit price", (one) => [amount(one.unit_price), one.tax_included && h("div", { class: "soft small" }, "with tax")], { num: true }],
    ["Tax rule", (one) => one.tax_rule_name ?? one.tax_rule ?? ""],
    ["Tax", (one) => amount(one.tax), { num: true }],
    ["Total", (one) => amount(one.total), { num: true }],
  ];
  const sum = (name, value, strong) => h("tr", {}, h("th", { scope: "row", colspan: 6, class: "num bare" }, name), h("td", { class: `num ${strong ? "total" : ""}`, "data-label": name }, value));
  const charges = (sale.charges ?? []).map((one) => sum(one.comment ? `${one.name} (${one.comment})` : one.name, amount(one.amount)));
  const discounts = (sale.discounts ?? []).map((one) => sum(one.name, `−${amount(one.amount)}`));
  const foot = [sum("Subtotal", amount(sale.subtotal)), charges, discounts, sum("Tax", amount(sale.tax)), sum("Total", amount(sale.total), true)];
  if (sale.withheld_tax) foot.push(sum("Tax withheld by the marketplace, in no amount above", amount(sale.withheld_tax)));
  return h("section", { class: "card flush", "aria-label": "Lines" }, table("Lines of the sale", columns, sale.lines ?? [], foot));
}

const printed = (text) => text.map((line) => h("div", {}, line));

function order(sale) {
  return [
    h("div", { class: "cols" },
      card("Order", facts(["Status", badge(sale.status)], ["Customer", sale.customer?.id ? h("a", { href: `#/customers/${encodeURIComponent(sale.customer.id)}` }, sale.customer.name) : sale.customer?.name], ["E-mail", sale.customer?.email],
        ["Order", sale.source.order_id && h("a", { href: `#/log/${sale.source.order_id}` }, sale.source.order_number ?? sale.source.order_id)], ["From", sourceOf(sale)],
        ["Representative", sale.sales_representative], ["Order date", sale.order_date], ["Booked", time(sale.created_at)], ["Voided", time(sale.voided_at)])),
      card("Delivery", facts(["Ship to", printed(address(sale.ship_to))], ["Bill to", printed(address(sale.bill_to))], ["Location", sale.location_id && h("a", { href: `#/locations/${encodeURIComponent(sale.location_id)}` }, sale.location_id)], ["Why from there", sale.location_reason]))),
    lines(sale),
  ];
}

function payments(sale) {
  const all = sale.invoice?.payments ?? [];
  if (all.length === 0) return empty("No payment", "Payments come from the order when a payment account is set, or are added by hand.");
  const columns = [
    ["Date", (one) => one.date ?? "", { head: true }], ["Method", (one) => one.method ?? ""],
    ["Account", (one) => h("a", { href: `#/accounts/${encodeURIComponent(one.account)}` }, one.account)], ["Amount", (one) => money(one.amount, sale.currency), { num: true }],
  ];
  return h("section", { class: "card flush" }, table("Payments", columns, all));
}

function invoice(sale) {
  return card("Invoice", facts(["Status", badge(sale.invoice?.status)], ["Number", sale.invoice?.number], ["Date", sale.invoice?.order_date], ["Total", h("span", { class: "total" }, money(sale.total, sale.currency))], ["Payments", String(sale.invoice?.payments?.length ?? 0)], ["Difference to ShipStation", sale.adjustments.length > 0 && money(sale.difference_to_shipstation, sale.currency)]));
}

function adjustments(sale) {
  if (sale.adjustments.length === 0) return null;
  const events = [...sale.adjustments].reverse().map((one) => h("li", {}, h("div", { class: "break" }, one.what), h("div", { class: "soft small" }, time(one.at), ` · ${one.by}`)));
  return card("Adjusted by hand", h("ol", { class: "line" }, events));
}

// A table of whatever members the records have: for parts whose members differ.
function records(label, all, currency) {
  const names = [...new Set(all.flatMap((one) => Object.keys(one)))];
  const cell = (value, name) => {
    if (value === null || value === undefined) return "";
    if (typeof value === "boolean") return value ? "yes" : "no";
    if (/(_at)$/.test(name)) return time(value);
    if (/(total|amount|price|tax)$/.test(name) && typeof value === "string") return money(value, currency);
    if (name === "status" || name === "state") return badge(value);
    if (name === "product_id") return h("a", { href: `#/products/${encodeURIComponent(value)}` }, value);
    if (name === "location_id") return h("a", { href: `#/locations/${encodeURIComponent(value)}` }, value);
    if (Array.isArray(value) && value.every((one) => one && typeof one === "object")) return value.map((one) => h("div", { class: "small" }, Object.values(one).filter((part) => part !== null && typeof part !== "object").join(" · ")));
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  };
  const columns = names.map((name, index) => [sentence(name.replace(/_id$/, "")), (one) => cell(one[name], name), { num: typeof all[0][name] === "number", head: index === 0 }]);
  return h("section", { class: "card flush", "aria-label": label }, table(label, columns, all));
}

function stage(name, value, currency) {
  const shown = value ?? { status: "not_available", lines: [] };
  const nothing = shown.status === "not_available" ? `The setting “Do by itself” did not ask for a ${name} when this was booked.` : `The ${name} has no lines.`;
  return [card(sentence(name), facts(["Status", badge(shown.status)], ["Done", time(shown.at)])), shown.lines?.length > 0 ? records(sentence(name), shown.lines, currency) : empty("No lines", nothing)];
}

function documents(label, all, currency, nothing) {
  return all?.length > 0 ? records(label, all, currency) : empty(`No ${label.toLowerCase()}`, nothing);
}

async function ordersOf(sale, signal) {
  return list({
    label: "Orders in this sale", path: `/v1/sales/${encodeURIComponent(sale.id)}/orders`, signal, limit: 50, none: empty("No orders", "This sale names no orders."),
    columns: [
      ["Order", (one) => h("a", { href: `#/log/${one.order_id}` }, one.order_number), { head: true }],
      ["Lines", (one) => one.lines.slice(0, 5).map((line) => h("div", { class: "small" }, `${number(line.quantity)} × ${line.sku ?? line.name}`, line.comment && h("span", { class: "soft" }, ` ${line.comment}`))).concat(one.lines.length > 5 ? [h("div", { class: "soft small" }, `and ${one.lines.length - 5} more`)] : []), { wide: true }],
      ["Store", (one) => (one.store_id ? String(one.store_id) : "")],
      ["Order total", (one) => money(one.order_total, sale.currency), { num: true }],
      ["In this sale", (one) => money(one.sale_total, sale.currency), { num: true }],
      ["In the log", (one) => (one.linked ? "names this sale" : "does not name this sale")],
    ],
  });
}

export async function show({ params, signal, again }) {
  const sale = await get(`/v1/sales/${encodeURIComponent(params[0])}`, signal);
  const { currency } = sale;
  const parts = [
    ["Order", order(sale)],
    ["Invoice", [invoice(sale), adjustments(sale)]],
    ["Pick", stage("pick", sale.pick, currency)],
    ["Pack", stage("pack", sale.pack, currency)],
    ["Ship", stage("ship", sale.ship, currency)],
    ["Payments", payments(sale)],
    ["Assemblies", documents("Assemblies", sale.assemblies, currency, "No product of this sale had to be put together.")],
    ["Purchases", documents("Purchases", sale.purchases, currency, "No line of this sale is sent by a supplier.")],
    ["Restocks", [documents("Credit notes", sale.credit_notes, currency, "Nothing of this sale was refunded."), documents("Restocks", sale.restocks, currency, "Nothing of this sale came back."), documents("Movements of stock", sale.movements, currency, "This sale has not moved any stock.")]],
  ];
  if (sale.kind === "consolidated") parts.splice(1, 0, ["Orders", await ordersOf(sale, signal)]);
  const warnings = (sale.warnings ?? []).map((warning) => note("warn", h("p", {}, warning.message), h("code", { class: "soft" }, warning.code)));
  const voided = sale.voided_at && note("", h("strong", {}, "This sale is voided."), h("p", {}, "Its record and totals stay; stock, payments and invoice are reversed."));
  return page({ title: `Sale ${sale.number || sale.id}`, lead: `${money(sale.total, currency)} · ${sale.customer?.name ?? ""}`, back: ["#/sales", "Sales"], actions: actions(sale, again) }, voided, warnings, tabs("Parts of the sale", parts));
}
