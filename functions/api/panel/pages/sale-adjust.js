// A draft, adjusted: its lines, charges and discounts in one form.

import { call, get } from "../core/api.js";
import { h, toast } from "../core/dom.js";
import { form } from "../core/form.js";
import { money } from "../core/format.js";
import { card, empty, linkButton, page } from "../core/components.js";
import { can } from "../core/session.js";

// The lines of one form; a sale of more is adjusted over the API.
const MOST_LINES = 60;

function lineFields(line, index, rules, accounts) {
  const moves = line.product_id && !line.service;
  const at = (name) => `/lines/${index}/${name}`;
  return {
    legend: `Line ${line.line_no}: ${line.sku ?? line.name}`,
    fields: [
      { pointer: at("name"), label: "Name" },
      { pointer: at("comment"), label: "Comment" },
      !moves && { pointer: at("quantity"), label: "Quantity", kind: "number" },
      { pointer: at("unit_price"), label: "Unit price" },
      { pointer: at("tax"), label: "Tax" },
      { pointer: at("tax_rule"), label: "Tax rule", kind: "choice", options: rules },
      { pointer: at("account"), label: "Revenue account", kind: "choice", options: [[null, "None"], ...accounts] },
    ].filter(Boolean),
  };
}

// What of the form differs from the sale: the API is told no more than that.
function difference(sale, document) {
  const body = {};
  const lines = sale.lines.map((line, index) => {
    const now = document.lines[index];
    const changed = Object.entries(now).filter(([name, value]) => name !== "line_no" && (value ?? null) !== (line[name] ?? null));
    return changed.length > 0 ? { line_no: line.line_no, ...Object.fromEntries(changed) } : null;
  }).filter(Boolean);
  if (lines.length > 0) body.lines = lines;
  for (const name of ["charges", "discounts"]) if (JSON.stringify(document[name]) !== JSON.stringify(plain(sale[name]))) body[name] = document[name];
  return body;
}

const plain = (parts) => parts.map((part) => Object.fromEntries(Object.entries(part).filter(([, value]) => value !== null)));

// A fault names the line by its place in what was sent.
function placed(error, body) {
  for (const fault of error.errors ?? []) {
    const [, index, rest] = fault.pointer.match(/^\/lines\/(\d+)\/(.+)$/) ?? [];
    if (index !== undefined) fault.pointer = `/lines/${body.lines[Number(index)].line_no - 1}/${rest}`;
  }
  return error;
}

export async function show({ params, signal }) {
  const path = `/v1/sales/${encodeURIComponent(params[0])}`;
  const back = [`#/sales/${encodeURIComponent(params[0])}`, "The sale"];
  const [stored, rules, accounts] = await Promise.all([call("GET", path, { signal }), get("/v1/tax_rules?limit=200", signal), get("/v1/accounts?limit=200", signal)]);
  let { body: sale, etag } = stored;
  const title = `Adjust sale ${sale.number || sale.id}`;
  const toTheSale = linkButton("Open the sale", back[0]);
  if (sale.invoice.status !== "draft") return page({ title, back }, empty("Nothing to adjust", "Only a draft is adjusted. An authorised invoice stays as it is.", toTheSale));
  if (sale.lines.length > MOST_LINES) return page({ title, back }, empty("Too many lines for a form", `A sale of more than ${MOST_LINES} lines is adjusted over the API: PATCH ${path}.`, toTheSale));
  const named = ({ items }, of) => items.filter(of).map((one) => [one.id, one.name]);
  const revenue = named(accounts, (one) => one.kind === "revenue");
  const members = ["line_no", "name", "comment", "quantity", "unit_price", "tax", "tax_rule", "account"];
  const document = { lines: sale.lines.map((line) => Object.fromEntries(members.map((name) => [name, line[name]]))), charges: plain(sale.charges), discounts: plain(sale.discounts) };
  const groups = [
    ...sale.lines.map((line, index) => lineFields(line, index, named(rules, () => true), revenue)),
    { legend: "On the whole order", fields: [
      { pointer: "/charges", label: "Charges", kind: "parts", default: [], addLabel: "Add a charge", members: [{ name: "name", label: "Name" }, { name: "comment", label: "Comment" }, { name: "amount", label: "Amount", inputmode: "decimal" }, { name: "tax", label: "Tax", inputmode: "decimal" }, { name: "account", label: "Revenue account", options: [[null, "No account"], ...revenue] }] },
      { pointer: "/discounts", label: "Discounts", kind: "parts", default: [], addLabel: "Add a discount", members: [{ name: "name", label: "Name" }, { name: "amount", label: "Amount", inputmode: "decimal" }] },
    ] },
  ];
  const save = async (wanted) => {
    const body = difference(sale, wanted);
    try {
      ({ body: sale, etag } = await call("PATCH", path, { body, etag }));
    } catch (error) {
      throw placed(error, body);
    }
    toast(`The draft is adjusted. Its total is ${money(sale.total, sale.currency)} now.`);
    return wanted;
  };
  const lead = `ShipStation's total stays known: what you change is shown as the difference to it. The quantity of a line that moves stock stays as it is.`;
  return page({ title, lead, back }, card(null, h("p", {}, `Total: ${money(sale.total, sale.currency)}`), form({ groups, document, save, label: "Adjust the draft", saved: "Adjusted.", disabled: can("operate") ? null : "Your token may look at sales and not change them." })));
}
