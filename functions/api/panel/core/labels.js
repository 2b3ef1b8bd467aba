// Labels of the API's values, and the look of their badges.

import { h } from "./dom.js";
import { KINDS } from "./operation-kinds.js";

const STATES = {
  pending: ["Pending", "busy"], blocked: ["Blocked", "warn"], consolidating: ["Gathered into a day's sale", "busy"], booked: ["Booked", "good"],
  voided: ["Voided", ""], withdrawn: ["Withdrawn", ""], skipped: ["Skipped", "warn"], failed: ["Failed", "bad"],
  queued: ["Queued", "busy"], running: ["Reading", "busy"], processing: ["Processing", "busy"], completed: ["Completed", "good"],
  captured: ["Captured", "good"], updated: ["Updated", "good"], unchanged: ["Unchanged", ""], waiting: ["Waiting", "busy"],
  cancelled: ["Cancelled", ""], refunded: ["Refunded", ""],
  draft: ["Draft", "warn"], authorised: ["Authorised", "good"], shipped: ["Shipped", "good"], not_available: ["Not asked for", ""],
  connected: ["Connected", "good"], disconnecting: ["Being disconnected", "warn"], disconnected: ["Not connected", "bad"],
  acknowledged: ["Acknowledged", "good"], order: ["Order", ""], command: ["Command", ""], unknown: ["Unknown", "bad"],
};

const ACTIONS = {
  connect: "Connected ShipStation", change_connection: "Changed the connection", disconnect: "Disconnected ShipStation",
  replace_settings: "Changed settings", start_operation: "Started an operation", process_pending_orders: "Processed pending orders",
  void_sale: "Voided a sale", authorise_invoice: "Authorised an invoice", retry_fulfilment: "Went on with fulfilment", add_payment: "Added a payment",
  recreate_sale: "Re-created a sale", book_order_anyway: "Had a held order booked", adjust_stock: "Adjusted stock", import_products: "Imported products",
  delete_log_entry: "Deleted a log entry", redrive_dead_letters: "Redrove dead letters", acknowledge_accounting_sync: "Acknowledged a sync",
  add_place_of_business: "Added a place of business",
};

export function labelOf(value) {
  return STATES[value]?.[0] ?? sentence(value ?? "");
}

export function badge(value) {
  if (!value) return "";
  return h("span", { class: `badge ${STATES[value]?.[1] ?? ""}` }, labelOf(value));
}

export function kindOf(operation) {
  return KINDS[operation.kind] ?? sentence(operation.kind);
}

// The subject of an operation, in one line.
export function aboutOperation(operation) {
  if (operation.order_number) return `${kindOf(operation)}: ${operation.order_number}`;
  if (operation.by === "system" && operation.kind === "process_pending") return "Orders that waited, booked now";
  if (operation.from) return `Load orders since ${operation.from}`;
  return kindOf(operation);
}

export function actionLabel(name) {
  const [, verb, what] = name.match(/^(create|replace)_(.+)$/) ?? [];
  if (verb && !ACTIONS[name]) return `${verb === "create" ? "Made" : "Changed"} a ${what.replaceAll("_", " ")}`.replace(" a account", " an account");
  return ACTIONS[name] ?? sentence(name);
}

// `some_words` as `Some words`.
export function sentence(name) {
  const text = String(name).replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
