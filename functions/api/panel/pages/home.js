// "Is everything all right?"

import { get } from "../core/api.js";
import { h } from "../core/dom.js";
import { clock, count, duration, number, relative, time } from "../core/format.js";
import { card, empty, facts, linkButton, page } from "../core/components.js";
import { keepMe, can } from "../core/session.js";
import { aboutOperation, badge } from "../core/labels.js";

const WHERE = {
  not_connected: "#/setup", disconnecting: "#/setup", last_run_failed: "#/operations", paused: "#/setup/orders", schedule_late: "#/operations",
  tax_mapping_unfinished: "#/setup/taxes", no_default_location: "#/setup/locations", orders_blocked: "#/pending", orders_failed: "#/log?state=failed", dead_letters: "#/dead-letters", unreadable: "#/unreadable",
};

// Where a finding's list is shown: the panel's address, or that of the API's list.
function where(one) {
  const [, list, query] = one.list?.match(/^\/v1\/(log|sales)\?(.+)$/) ?? [];
  return WHERE[one.code] ?? (list && `#/${list}?${query}`);
}

function verdict(overview) {
  const { findings } = overview;
  if (findings.length === 0) return h("section", { class: "verdict" }, h("h2", {}, "Everything is all right"), h("p", {}, "Orders come in, and every one of them is accounted for."));
  const tone = findings[0].severity;
  const title = tone === "stopped" ? "Something stands still" : findings.length === 1 ? "One thing wants your attention" : `${findings.length} things want your attention`;
  return h("section", { class: `verdict ${tone}` }, h("h2", {}, title), h("ul", {}, findings.map((one) => h("li", {}, one.message, " ", where(one) && h("a", { href: where(one) }, "Go there")))));
}

function tile(value, name, href, tone = "") {
  return h(href ? "a" : "div", { class: `tile ${tone}`, href }, h("b", {}, value), h("span", {}, name));
}

function tiles(overview) {
  const many = (one) => one.count > 0;
  return h("div", { class: "tiles" },
    tile(count(overview.orders_today), "orders today", "#/log"),
    tile(count(overview.pending), "pending", "#/pending?state=pending"),
    tile(count(overview.blocked), "blocked", "#/pending?state=blocked", many(overview.blocked) ? "warn" : ""),
    tile(count(overview.skipped), "skipped, remembered", "#/log?state=skipped"),
    tile(count(overview.failed), "failed", "#/log?state=failed", many(overview.failed) ? "bad" : ""),
    tile(number(overview.dead_letters), "dead letters", "#/dead-letters", overview.dead_letters > 0 ? "bad" : ""),
    overview.requests && tile(`${overview.requests.used} of ${overview.requests.limit}`, "ShipStation requests this minute"));
}

function lastRun(run, now) {
  if (!run) return card("Last download", h("p", { class: "soft" }, "There was none yet."));
  const { counts } = run;
  const parts = Object.entries(counts).filter(([name, value]) => value > 0 && name !== "total").map(([name, value]) => `${number(value)} ${name}`);
  return card("Last download", facts(["State", badge(run.state)], ["Began", [time(run.started_at), ` (${relative(run.started_at, now)})`]], ["Took", duration(run.duration_ms)],
    ["Orders read", number(counts.total)], ["Became", parts.join(", ") || "nothing new"], ["Requests used", number(run.requests_used)]), h("div", {}, linkButton("Show it", `#/operations/${encodeURIComponent(run.id)}`, "small")));
}

function next(overview) {
  const at = overview.next_run_at;
  const when = at ? [clock(at), ` (${relative(at, overview.now)})`] : "not planned";
  const running = overview.running.map((one) => h("div", {}, h("a", { href: `#/operations/${encodeURIComponent(one.id)}` }, aboutOperation(one)), " ", badge(one.state)));
  return card("Next", facts(["Next download", when], ["Running now", running.length > 0 ? running : "nothing"], ["On the queue", overview.queued_orders > 0 ? `${number(overview.queued_orders)} orders` : "nothing"],
    ["ShipStation", badge(overview.connection.state)]), can("operate") && h("div", {}, linkButton("Load orders", "#/operations?start=1", "small")));
}

export async function show({ signal }) {
  const overview = await get("/v1/overview", signal);
  keepMe({ time_zone: overview.time_zone, currency: overview.currency });
  const first = overview.connection.state === "disconnected" && overview.orders_today.count === 0 && !overview.last_run;
  const welcome = first && card(null, empty("Welcome to Stevedore", "Connect your ShipStation account, choose a location and a tax rule, and orders become sales by themselves.", linkButton("Begin with the connection", "#/setup", "main")));
  return page({ title: "Is everything all right?", lead: `It is ${clock(overview.now)}, ${overview.time_zone.split("/").at(-1).replaceAll("_", " ")} time.` },
    welcome || verdict(overview), tiles(overview), h("div", { class: "cols" }, lastRun(overview.last_run, overview.now), next(overview)));
}
