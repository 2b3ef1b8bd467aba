// Stock: levels at each location, and adjusting them by hand.

import { get, post } from "../core/api.js";
import { h, toast } from "../core/dom.js";
import { number } from "../core/format.js";
import { list } from "../core/list.js";
import { filters } from "./log.js";
import { ask, button, empty, page } from "../core/components.js";
import { can } from "../core/session.js";

async function adjust(again, known = {}) {
  const locations = known.location_id ? null : await get("/v1/locations?limit=200");
  const fields = [];
  if (!known.product_id) fields.push({ name: "sku", label: "SKU", help: "Of the product, or one of its aliases." });
  if (locations) fields.push({ name: "location_id", label: "Location", options: locations.items.map((one) => [one.id, one.name]) });
  ask({
    title: "Adjust stock",
    text: "The quantity is added to what is on hand; a negative one is taken off.",
    fields: [...fields, { name: "quantity", label: "Quantity", type: "number" }, { name: "reason", label: "Reason", required: false, help: "Kept with the adjustment." }],
    label: "Adjust",
    act: async ({ quantity, ...rest }) => {
      await post("/v1/stock/adjustments", { ...known, ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value)), quantity: Number(quantity) });
      toast("The stock is adjusted.");
      again();
    },
  });
}

export async function show({ query, signal, again }) {
  const locations = new Map((await get("/v1/locations?limit=200", signal)).items.map((record) => [record.id, record]));
  const columns = [
    ["Product", (one) => h("div", {}, h("a", { href: `#/products/${encodeURIComponent(one.product_id)}` }, one.sku ?? one.product_id), h("div", { class: "soft small" }, one.name ?? "deleted")), { head: true }],
    ["Location", (one) => h("a", { href: `#/locations/${encodeURIComponent(one.location_id)}` }, locations.get(one.location_id)?.name ?? one.location_id)],
    ["On hand", (one) => number(one.on_hand), { num: true }],
    ["Allocated", (one) => number(one.allocated), { num: true }],
    ["Available", (one) => number(one.available), { num: true }],
  ];
  if (can("operate")) columns.push(["", (one) => button("Adjust…", () => adjust(again, { product_id: one.product_id, location_id: one.location_id }), { kind: "small" }), { bare: true, label: "Adjust" }]);
  const shown = await list({ label: "Stock", path: "/v1/stock", signal, query: Object.fromEntries(query), columns, none: empty("No stock yet", "Adjust a product's stock to begin: levels appear here for each location.") });
  const fields = [{ name: "sku", label: "SKU" }, { name: "location_id", label: "Location", options: [...locations].map(([id, one]) => [id, one.name]), any: "Any" }];
  const actions = can("operate") ? [button("Adjust stock…", () => adjust(again), { kind: "main" })] : [];
  return page({ title: "Stock", lead: "What is on hand, what orders have allocated, and what is left.", actions }, filters("/stock", query, fields), shown);
}
