// What each kind of record has.

const none = [null, "None"];

const address = (pointer, legend) => ({
  legend,
  fields: [
    ["name", "Name"], ["company", "Company"], ["street1", "Street"], ["street2", "Street, second line"], ["street3", "Street, third line"], ["city", "City"],
    ["state", "State"], ["postal_code", "Postal code"], ["country", "Country, two letters"], ["phone", "Telephone"],
  ].map(([member, label]) => ({ pointer: `${pointer}/${member}`, label })),
});

const accountsOf = (accounts, kind) => [none, ...accounts.filter((one) => !kind || one.kind === kind).map((one) => [one.id, one.name])];
const town = (one) => [one.address?.city, one.address?.state].filter(Boolean).join(", ");

export const RECORDS = {
  products: {
    one: "product", title: "Products", lead: "What lines of orders are matched to, by link, SKU or alias.", accounts: true,
    foundBy: { name: "sku", label: "SKU or alias" },
    name: (one) => one.sku, blank: { sku: null, name: null, kind: "stock", aliases: [] },
    none: ["No product yet", "Lines without a product are booked as service lines, so nothing is lost meanwhile."],
    columns: [["Name", (one) => one.name], ["Kind", (one) => one.kind], ["Aliases", (one) => (one.aliases ?? []).join(", ")], ["ShipStation's id", (one) => one.shipstation_product_id ?? ""]],
    groups: (accounts) => [{ fields: [
      { pointer: "/sku", label: "SKU", keepEmpty: true }, { pointer: "/name", label: "Name", keepEmpty: true },
      { pointer: "/kind", label: "Kind", kind: "choice", options: [["stock", "Stock"], ["service", "Service"], ["kit", "Kit"], ["assembly", "Assembly"], ["drop_ship", "Drop-ship"]] },
      { pointer: "/components", label: "Components", kind: "parts", default: [], addLabel: "Add a component", help: "What a kit or an assembly consists of, by the products' ids.",
        when: (document) => ["kit", "assembly"].includes(document.kind), members: [{ name: "product_id", label: "Product's id" }, { name: "quantity", label: "Quantity", inputmode: "numeric", integer: true }] },
      { pointer: "/supplier", label: "Supplier", help: "Who sends it to the buyer.", when: (document) => document.kind === "drop_ship" },
      { pointer: "/aliases", label: "Aliases", kind: "lines", default: [], help: "Other codes under which orders name it, one on each line." },
      { pointer: "/shipstation_product_id", label: "ShipStation's product id", kind: "number", help: "A link wins over the SKU." },
      { pointer: "/revenue_account", label: "Revenue account", kind: "choice", options: accountsOf(accounts, "revenue") },
      { pointer: "/prices", label: "Prices by tier", kind: "texts", default: {}, names: Array.from({ length: 10 }, (_, index) => [String(index + 1), `Tier ${index + 1}`]) },
    ] }],
  },
  price_tiers: {
    one: "price tier", title: "Price tiers", lead: "Names of the ten tiers that prices are kept in.", name: (one) => one.name, blank: { tier: 1, name: null },
    none: ["No tier has a name yet", "Tiers work without names; a name only says what a tier is for."],
    columns: [["Tier", (one) => String(one.tier)]],
    groups: () => [{ fields: [{ pointer: "/tier", label: "Tier", kind: "number", min: 1, max: 10 }, { pointer: "/name", label: "Name", keepEmpty: true }] }],
  },
  customers: {
    one: "customer", title: "Customers", lead: "Made from orders by themselves; found again by ShipStation's link, then by e-mail.", accounts: true,
    foundBy: { name: "email", label: "E-mail" },
    name: (one) => one.name, blank: { name: null },
    none: ["No customer yet", "Customers are made from orders by themselves."],
    columns: [["E-mail", (one) => one.email ?? ""], ["Company", (one) => one.company ?? ""], ["Town", (one) => [one.billing_address?.city, one.billing_address?.state].filter(Boolean).join(", ")]],
    groups: (accounts) => [{ fields: [
      { pointer: "/name", label: "Name", keepEmpty: true }, { pointer: "/email", label: "E-mail", type: "email" }, { pointer: "/phone", label: "Telephone", type: "tel" }, { pointer: "/company", label: "Company" },
      { pointer: "/revenue_account", label: "Revenue account", kind: "choice", options: accountsOf(accounts, "revenue") },
    ] }, address("/billing_address", "Billing address"), address("/business_address", "Business address")],
  },
  locations: {
    one: "location", title: "Locations", lead: "Places of yours that hold stock.", name: (one) => one.name, blank: { name: null, priority: 0, active: true },
    none: ["No location yet", "Make the place that your goods are sent from, then choose it under Setup, Locations."],
    columns: [["Town", town], ["Priority", (one) => String(one.priority ?? 0)], ["In use", (one) => (one.active ? "yes" : "no")]],
    groups: () => [{ fields: [
      { pointer: "/name", label: "Name", keepEmpty: true }, { pointer: "/priority", label: "Priority", kind: "number", default: 0, help: "Of locations equally far away, the lower number comes first." },
      { pointer: "/active", label: "In use for new sales", kind: "flag" },
    ] }, address("/address", "Address")],
  },
  accounts: {
    one: "account", title: "Accounts", lead: "The accounts of your books that sales and payments name.", name: (one) => one.name, blank: { name: null, kind: "revenue", receives_payments: false },
    none: ["No account yet", "Make one for revenue, and one that receives payments."],
    columns: [["Kind", (one) => one.kind], ["Receives payments", (one) => (one.receives_payments ? "yes" : "no")]],
    groups: () => [{ fields: [
      { pointer: "/name", label: "Name", keepEmpty: true },
      { pointer: "/kind", label: "Kind", kind: "choice", options: ["revenue", "asset", "liability", "expense", "equity"].map((kind) => [kind, kind]) },
      { pointer: "/receives_payments", label: "Payments may go to it", kind: "flag" },
    ] }],
  },
  tax_rules: {
    one: "tax rule", title: "Tax rules", lead: "What taxes consist of. Places of business are added under Setup, Taxes.", accounts: true, name: (one) => one.name, blank: { name: null, components: [] },
    none: ["No tax rule yet", "Orders are skipped, and remembered, until a default rule is set."],
    columns: [["Place", (one) => [one.place?.city, one.place?.county, one.place?.state].filter(Boolean).join(", ")], ["Components", (one) => (one.components ?? []).map((part) => `${part.name} ${part.percent} %`).join("; ")]],
    groups: (accounts) => [{ fields: [
      { pointer: "/name", label: "Name", keepEmpty: true, help: "Shown on sales." },
      { pointer: "/components", label: "Components", kind: "parts", default: [], addLabel: "Add a component", help: "Percentages are exact, such as 7.25.",
        members: [{ name: "name", label: "Name" }, { name: "percent", label: "Percent", inputmode: "decimal" }, { name: "account", label: "Account", options: accountsOf(accounts) }] },
    ] }],
  },
};
