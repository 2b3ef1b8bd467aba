// One section of the settings. The API takes the whole document, so what the section does not show goes back as it came.

import { call, get } from "../core/api.js";
import { fill, h } from "../core/dom.js";
import { form } from "../core/form.js";
import { card, note, errorText } from "../core/components.js";
import { keepMe, can } from "../core/session.js";
import { SECTIONS } from "./settings-fields.js";

export async function section(name, { signal }) {
  const found = SECTIONS[name];
  const missing = [];
  const read = (path) => get(path, signal).then((answer) => answer.items).catch((error) => {
    if (error.name === "AbortError") throw error;
    missing.push(error);
    return [];
  });
  const [settings, choices, more] = await Promise.all([
    call("GET", "/v1/settings", { signal }),
    get("/v1/settings/choices", signal),
    found.warehouses ? read("/v1/shipstation/warehouses?limit=200") : found.stores ? read("/v1/shipstation/stores?limit=200") : [],
  ]);
  if (found.stores && more.length > 0) choices.stores = more.map((store) => ({ ...store, name: store.active ? store.name : `${store.name} (inactive)` }));
  let { etag } = settings;
  const warnings = h("div", { role: "status" });
  const warn = (document) => fill(warnings, (document.warnings ?? []).map((warning) => note("warn", h("p", {}, warning.message), h("code", { class: "soft" }, warning.code))));
  warn(settings.body);
  const save = async (document) => {
    const answer = await call("PUT", "/v1/settings", { body: document, etag });
    etag = answer.etag;
    warn(answer.body);
    keepMe({ time_zone: answer.body.time_zone, currency: answer.body.currency });
    return answer.body;
  };
  const shown = form({
    groups: found.groups(choices, { warehouses: found.warehouses ? more : [] }),
    document: settings.body,
    save,
    saved: "Saved. Orders that waited for this are looked at again by themselves.",
    disabled: can("configure") ? null : "Your token may look at settings and not change them.",
  });
  return [missing.map((error) => note("warn", h("strong", {}, "ShipStation's own list could not be read."), h("p", {}, errorText(error)))), warnings, card(null, shown)];
}
