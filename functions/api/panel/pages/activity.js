// Who changed which settings, and who did what.

import { h } from "../core/dom.js";
import { time } from "../core/format.js";
import { list } from "../core/list.js";
import { empty, page } from "../core/components.js";
import { actionLabel } from "../core/labels.js";

function value(one) {
  if (one === null || one === undefined) return h("span", { class: "soft" }, "nothing");
  return h("code", { class: "break" }, typeof one === "string" ? one : JSON.stringify(one));
}

export function settingsHistory({ signal }) {
  return list({
    label: "Changes of the settings", path: "/v1/settings/history", limit: 25, signal,
    none: empty("Nothing was changed yet", "Each accepted change of the settings is kept here: who, when, from what to what."),
    columns: [
      ["When", (one) => time(one.at), { when: true }],
      ["Who", (one) => one.by, { head: true }],
      ["What", (one) => h("div", { class: "stack" }, one.changes.map((change) => h("div", { class: "break" }, h("strong", {}, change.pointer.slice(1).replaceAll("_", " ").replaceAll("/", ", ")), ": from ", value(change.from), " to ", value(change.to))))],
    ],
  });
}

function detail(record) {
  if (record.before === null && record.after === null) return "";
  return h("details", {}, h("summary", {}, "Before and after"), h("div", { class: "stack" },
    h("div", {}, h("strong", {}, "Before"), h("pre", { tabindex: "0" }, record.before === null ? "nothing" : JSON.stringify(record.before, null, 2))),
    h("div", {}, h("strong", {}, "After"), h("pre", { tabindex: "0" }, record.after === null ? "nothing" : JSON.stringify(record.after, null, 2)))));
}

export async function show({ signal }) {
  const shown = await list({
    label: "Acts", path: "/v1/audit", limit: 50, signal,
    none: empty("Nobody did anything yet", "Every change and every operator's act is kept here."),
    columns: [
      ["When", (one) => time(one.at), { when: true }],
      ["Who", (one) => one.by, { head: true }],
      ["What", (one) => h("div", {}, h("div", {}, actionLabel(one.act), one.status === null ? " (its end is not known)" : one.status >= 500 ? " (it failed)" : ""), h("code", { class: "soft break" }, one.target))],
      ["", (one) => detail(one), { bare: true, label: "Before and after" }],
    ],
  });
  return page({ title: "Activity", lead: "Every change of connection, settings and records, and every operator's act." }, shown);
}
