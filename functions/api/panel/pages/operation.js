// One run: how far it is, its counts, and every order that was not plainly captured.

import { get } from "../core/api.js";
import { fill, h, announce } from "../core/dom.js";
import { duration, number, time } from "../core/format.js";
import { list } from "../core/list.js";
import { card, empty, facts, note, page } from "../core/components.js";
import { aboutOperation, badge, labelOf } from "../core/labels.js";

const EVERY = 2000;
const OUTCOMES = ["captured", "updated", "unchanged", "skipped", "waiting", "cancelled", "refunded", "failed", "queued"];

const ended = (operation) => operation.state === "completed" || operation.state === "failed";

function progress(operation) {
  if (ended(operation)) return null;
  const { total, queued } = operation.counts;
  if (operation.state === "queued") return h("div", { class: "stack" }, h("progress", { "aria-label": "Progress" }), h("p", { class: "soft" }, "It waits for its turn."));
  if (operation.state === "running") return h("div", { class: "stack" }, h("progress", { "aria-label": "Progress" }), h("p", { class: "soft" }, `${number(total)} orders are read so far.`));
  return h("div", { class: "stack" }, h("progress", { max: Math.max(total, 1), value: total - queued, "aria-label": "Progress" }), h("p", { class: "soft" }, `${number(total - queued)} of ${number(total)} orders are processed.`));
}

function summary(operation) {
  const { counts } = operation;
  const shown = OUTCOMES.filter((name) => counts[name] > 0).map((name) => h("div", { class: "tile" }, h("b", {}, number(counts[name])), h("span", {}, labelOf(name).toLowerCase())));
  const failed = operation.state === "failed" && note("bad", h("p", {}, operation.message ?? "It failed."), operation.reason && h("code", {}, operation.reason));
  const window = operation.window && [time(operation.window.from), " to ", operation.window.until ? time(operation.window.until) : "its end"];
  return [
    failed, progress(operation),
    h("div", { class: "tiles" }, h("div", { class: "tile" }, h("b", {}, number(counts.total)), h("span", {}, "orders read")), shown),
    card("About it", facts(["State", badge(operation.state)], ["By", operation.trigger === "schedule" ? "the schedule" : operation.by], ["Began", time(operation.started_at)], ["Ended", time(operation.finished_at)],
      ["Took", duration(operation.duration_ms)], ["Read", window], ["Requests to ShipStation", number(operation.requests_used)])),
  ];
}

function rows(operation, signal) {
  return list({
    label: "Orders that were not plainly captured", path: `/v1/operations/${encodeURIComponent(operation.id)}/rows`, limit: 50, signal,
    none: empty("Nothing to explain", ended(operation) ? "Every order was plainly captured." : "Orders that are not plainly captured appear here with their reason."),
    columns: [
      ["Order", (one) => (one.order_id ? h("a", { href: `#/log/${one.order_id}` }, one.order_number || `#${one.order_id}`) : one.order_number ?? "unreadable"), { head: true, code: true }],
      ["Outcome", (one) => badge(one.outcome ?? "queued")],
      ["Why, and what to do", (one) => h("div", { class: "stack" }, one.message ?? "", one.evidence && h("details", {}, h("summary", {}, "Evidence"), h("pre", { tabindex: "0" }, one.evidence)))],
    ],
  });
}

export async function show({ params, signal }) {
  const path = `/v1/operations/${encodeURIComponent(params[0])}`;
  let operation = await get(path, signal);
  const top = h("div", { class: "stack" }, summary(operation));
  const below = h("div", { class: "stack" }, h("h2", {}, "Orders that were not plainly captured"), await rows(operation, signal));
  async function watch() {
    while (!ended(operation) && !signal.aborted) {
      await new Promise((done) => { setTimeout(done, EVERY); });
      // A page that nobody sees asks nothing.
      if (signal.aborted || document.hidden) continue;
      const before = operation;
      operation = await get(path, signal);
      fill(top, summary(operation));
      if (before.state !== operation.state) announce(`The operation is now: ${labelOf(operation.state)}.`);
      if (ended(operation)) fill(below, h("h2", {}, "Orders that were not plainly captured"), await rows(operation, signal));
    }
  }
  watch().catch((error) => { if (error.name !== "AbortError") announce("The progress could not be read. Reload the page."); });
  return page({ title: aboutOperation(operation), back: ["#/operations", "Operations"] }, top, below);
}
