// Every setting: what it is called, what it is for, and when it applies.

const named = (records, none) => [[null, none], ...records.map((one) => [one.id, one.name])];
const tiers = Array.from({ length: 10 }, (_, index) => [index + 1, `Tier ${index + 1}`]);
const daily = (document) => document.consolidation === "daily";

export const SECTIONS = {
  orders: {
    name: "Orders",
    stores: true,
    groups: (choices) => [
      { legend: "Which orders", fields: [
        { pointer: "/capture_order_when", label: "Take an order when it is", kind: "choice", help: "Loads from a day follow the same rule.",
          options: [["paid", "Paid"], ["created", "Created"], ["not_on_hold", "Paid and not on hold"], ["shipped", "Shipped"]] },
        { pointer: "/order_lock_date", label: "Not before", type: "date", help: "The schedule takes no order that is dated before this day." },
        { pointer: "/exclude_stores", label: "Leave out these stores", kind: "checks", default: [], none: "No store is known yet. They appear when ShipStation is connected.",
          options: choices.stores.map((store) => [store.store_id, store.name]) },
        { pointer: "/exclude_tags", label: "Leave out orders with these tags", kind: "numbers", default: [], help: "ShipStation's tag ids, separated by commas." },
      ] },
      { legend: "When", fields: [
        { pointer: "/paused", label: "Pause downloads", kind: "flag", help: "Nothing comes in by the schedule until this is off again." },
        { pointer: "/poll_minutes", label: "Minutes between downloads", kind: "number", min: 5, max: 1440, default: 60 },
        { pointer: "/download_delay_minutes", label: "Minutes to let an order rest", kind: "number", min: 0, max: 1440, default: 0, help: "Orders that changed more recently wait for a later download." },
        { pointer: "/time_zone", label: "Time zone", kind: "suggest", options: choices.time_zones, help: "Days begin, and times are shown, by this clock." },
      ] },
      { legend: "One sale a day", fields: [
        { pointer: "/consolidation", label: "Gather orders", kind: "choice", options: [["none", "No: each order is a sale"], ["daily", "Yes: each day is one sale"]] },
        { pointer: "/consolidation_time", label: "At", type: "time", when: daily, help: "Local time at which everything pending becomes the day's sale." },
        { pointer: "/customer_id", label: "Customer for orders that name nobody", kind: "choice", options: named(choices.customers, "None: such orders are blocked"),
          help: "With one sale a day, the customer of every sale. Marketplace orders name nobody." },
      ] },
    ],
  },
  booking: {
    name: "Booking",
    groups: (choices) => [
      { legend: "Invoice", fields: [
        { pointer: "/invoice_status", label: "Invoices are", kind: "choice", options: [["draft", "Drafts"], ["authorised", "Authorised, and passed to accounting"]] },
        { pointer: "/currency", label: "Currency", most: 3, help: "ISO 4217, such as USD. ShipStation's orders name none." },
        { pointer: "/revenue_account", label: "Revenue account", kind: "choice", help: "Goes before the product's and the customer's own.",
          options: named(choices.accounts.filter((one) => one.kind === "revenue"), "None: the product's, else the customer's") },
        { pointer: "/default_revenue_account", label: "Default revenue account", kind: "choice", help: "For lines and charges to which neither product nor customer gives one.",
          options: named(choices.accounts.filter((one) => one.kind === "revenue"), "None: such lines and charges have no account") },
        { pointer: "/shipment_is_taxable", label: "Shipping is taxable", kind: "flag", help: "Tax is then spread over charges as well as lines." },
        { pointer: "/store_name_as_sales_rep", label: "The store's name is the sales representative", kind: "flag" },
      ] },
      { legend: "Fulfilment", fields: [
        { pointer: "/pick_pack_ship", label: "Do by itself", kind: "choice",
          options: [["none", "Nothing"], ["pick", "Pick"], ["pick_pack", "Pick and pack"], ["pick_pack_ship", "Pick, pack and ship"]] },
        { pointer: "/ignore_restock_for_unfulfilled", label: "Ignore restocks of what was never shipped", kind: "flag", default: false,
          when: (document) => document.pick_pack_ship === "pick_pack_ship", help: "Restocked quantities are cut to what was shipped." },
        { pointer: "/auto_assembly", label: "Assemble", kind: "choice",
          options: [["ordered_quantity", "What was ordered"], ["minimum_for_picking", "Only what is missing for the pick"]] },
      ] },
    ],
  },
  locations: {
    name: "Locations",
    warehouses: true,
    groups: (choices, { warehouses }) => [
      { legend: "Where orders are sent from", fields: [
        { pointer: "/order_routing", label: "Choose the nearest location", kind: "flag", help: "By distance from the buyer's postal code. The sale says why." },
        { pointer: "/location_map/default", label: "Default location", kind: "choice", options: named(choices.locations, "None: orders without a mapped warehouse are blocked") },
        { pointer: "/location_map/warehouses", label: "ShipStation's warehouses", kind: "pairs", default: {}, none: "ShipStation names no warehouses.",
          names: warehouses.map((one) => [String(one.warehouse_id), `${one.name}${one.is_default ? " (default)" : ""}`]), options: named(choices.locations, "The default location") },
      ] },
    ],
  },
  taxes: {
    name: "Taxes",
    stores: true,
    groups: (choices) => [
      { legend: "Taxes", fields: [
        { pointer: "/tax/default_rule", label: "Default rule", kind: "choice", options: named(choices.tax_rules, "None: orders are skipped, and remembered"),
          help: "For every order to which no place of business applies. Orders that were skipped follow by themselves once there is one." },
        { pointer: "/tax/recalculate", label: "Recalculate taxes by the rule", kind: "flag", default: false, help: "Replaces ShipStation's amount. Totals may then differ from ShipStation's. A rule without percentages is not used for it." },
        { pointer: "/tax/by_store", label: "How each store states tax", kind: "pairs", default: {}, none: "No store is known yet. They appear when ShipStation is connected.",
          names: choices.stores.map((store) => [String(store.store_id), store.name]),
          options: [[null, "Added to prices"], ["included", "Included in prices (VAT)"], ["withheld", "Withheld by the marketplace"]],
          help: "An order whose total does not have its tax added says so with the warning tax_not_added." },
      ] },
    ],
  },
  payments: {
    name: "Payments",
    groups: (choices) => {
      const accounts = choices.accounts.filter((one) => one.receives_payments);
      return [{ legend: "Payments", help: "What the buyer paid is added to the invoice as a payment.", fields: [
        { pointer: "/payment/account", label: "Account that receives payments", kind: "choice", options: named(accounts, "None: no payment is added") },
        { pointer: "/payment/by_method", label: "By payment method", kind: "pairs", default: {}, names: [], options: named(accounts, "The account above"),
          none: "Every method goes to the account above.", addLabel: "Payment method, as ShipStation names it" },
      ] }];
    },
  },
  products: {
    name: "Products",
    groups: () => [
      { legend: "Products", fields: [
        { pointer: "/match_products", label: "Match products", kind: "choice", options: [["by_sku", "By SKU"], ["manual", "By hand"]] },
        { pointer: "/create_missing_products", label: "Create products that are missing", kind: "flag", default: false, when: (document) => document.match_products === "by_sku" },
        { pointer: "/shipstation_is_master", label: "ShipStation is master of product data", kind: "flag", help: "Each download overwrites names, prices, weights and sizes of linked products here." },
        { pointer: "/acknowledge_shipstation_is_master", label: "I understand that this can damage product data here", kind: "flag", foreign: true,
          when: (document, before) => document.shipstation_is_master && !before.shipstation_is_master, help: "What is overwritten cannot be brought back." },
        { pointer: "/price_tier", label: "Price tier that receives ShipStation's prices", kind: "choice", integer: true, options: tiers },
        { pointer: "/dimension_units", label: "Unit of sizes", kind: "choice", options: [["in", "Inches"], ["cm", "Centimetres"]], help: "Must agree with the ShipStation account." },
      ] },
    ],
  },
};
