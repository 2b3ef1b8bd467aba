// What can be done with a sale.

import { get, post } from "../core/api.js";
import { h, toast } from "../core/dom.js";
import { money } from "../core/format.js";
import { ask, button } from "../core/components.js";
import { can } from "../core/session.js";

async function payment(sale, path, again) {
  const { items } = await get("/v1/accounts?limit=200");
  const accounts = items.filter((account) => account.receives_payments).map((account) => [account.id, account.name]);
  if (accounts.length === 0) {
    toast("No account can receive payments. Make one under Accounts first.");
    return;
  }
  ask({
    title: "Add a payment",
    fields: [
      { name: "amount", label: `Amount in ${sale.currency}`, value: sale.total, inputmode: "decimal" },
      { name: "account", label: "Account", options: accounts },
      { name: "method", label: "Method", required: false },
      { name: "date", label: "Date", type: "date", value: new Date().toISOString().slice(0, 10) },
    ],
    label: "Add",
    act: async (values) => {
      await post(`${path}/payments`, Object.fromEntries(Object.entries(values).filter(([, value]) => value)));
      toast("The payment is added.");
      again();
    },
  });
}

export function actions(sale, again) {
  const path = `/v1/sales/${encodeURIComponent(sale.id)}`;
  const print = button("Print", () => window.print());
  const entry = sale.source.order_id && h("a", { class: "button", href: `#/log/${sale.source.order_id}` }, "Log entry");
  if (!can("operate") || sale.voided_at) return [entry, print];
  const voiding = () => ask({
    title: `Void sale ${sale.number || sale.id}?`,
    text: [`Its record and its total of ${money(sale.total, sale.currency)} stay. Stock, payments and invoice are reversed.`, "To book the order anew, delete its log entry afterwards and load it, or choose Re-create in the log."],
    label: "Void the sale", danger: true,
    act: async () => {
      await post(`${path}/void`);
      toast("The sale is voided.");
      again();
    },
  });
  const adjust = sale.invoice?.status === "draft" && h("a", { class: "button", href: `#/sales/${encodeURIComponent(sale.id)}/adjust` }, "Adjust…");
  const authorise = async () => {
    await post(`${path}/authorise_invoice`);
    toast("The invoice is authorised, and waits for accounting.");
    again();
  };
  const retry = () => ask({
    title: "Go on with fulfilment?",
    text: "Draft assemblies are made; then it is picked, packed and shipped as far as you choose and stock allows. What is done stays done.",
    fields: [{ name: "to", label: "As far as", required: false, options: [["", "the settings say"], ["pick", "Pick"], ["pick_pack", "Pick and pack"], ["pick_pack_ship", "Pick, pack and ship"]] }],
    label: "Go on",
    act: async ({ to }) => {
      const answer = await post(`${path}/retry_fulfilment`, to ? { to } : {});
      toast(answer.pick.status === "draft" ? "It was tried; some of it is still missing." : "Fulfilment went on.");
      again();
    },
  });
  return [
    entry,
    sale.ship?.status !== "authorised" && sale.pick?.lines?.length > 0 && button("Retry fulfilment…", retry),
    sale.invoice?.status === "draft" && button("Authorise invoice", authorise),
    adjust,
    button("Add payment…", () => payment(sale, path, again)),
    print,
    button("Void…", voiding, { kind: "danger" }),
  ];
}
