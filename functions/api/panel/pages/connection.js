// The connection to ShipStation, and what is left to set up.

import { call, get } from "../core/api.js";
import { h, toast } from "../core/dom.js";
import { form } from "../core/form.js";
import { time } from "../core/format.js";
import { ask, button, card, facts, note } from "../core/components.js";
import { can } from "../core/session.js";
import { badge } from "../core/labels.js";

const MODES = [["store", "Orders come from ShipStation"], ["custom_store", "ShipStation pulls orders from here"], ["shipping_service", "ShipStation prints labels for sales of ours"]];

function checklist(state, settings) {
  const steps = [
    [state.state === "connected", "Connect ShipStation", "#/setup"],
    [settings.location_map.default, "Choose a default location", "#/setup/locations"],
    [settings.tax.default_rule, "Choose a default tax rule", "#/setup/taxes"],
  ];
  const open = steps.filter(([done]) => !done);
  if (open.length === 0) return note("good", h("p", {}, "Everything that orders need is set up."));
  return note("warn", h("strong", {}, open.length === 1 ? "One thing is left to do before orders become sales." : `${open.length} things are left to do before orders become sales.`),
    h("ul", {}, open.map(([, name, href]) => h("li", {}, h("a", { href }, name)))));
}

const credentials = [
  { pointer: "/api_key", label: "API key", type: "password" },
  { pointer: "/api_secret", label: "API secret", type: "password", help: "In ShipStation: Settings, Account, API Settings. They are tried before they are kept, and never shown again." },
];

const notAllowed = () => (can("configure") ? null : "Your token may look at the connection and not change it.");

function connecting(again) {
  const document = { api_key: null, api_secret: null };
  const save = async (body) => {
    await call("POST", "/v1/connection", { body });
    toast("Connected. The first download comes with the next tick of the schedule.");
    again();
  };
  return card("Connect a ShipStation account", form({ groups: [{ fields: credentials }], document, save, label: "Connect ShipStation as a store", saved: "Connected.", disabled: notAllowed() }));
}

function rotate(again) {
  const save = async (body) => {
    await call("PATCH", "/v1/connection", { body });
    toast("The new credentials are in use.");
    again();
  };
  return card("New credentials", h("p", { class: "soft" }, "They replace the old ones; nothing is disconnected."), form({ groups: [{ fields: credentials }], document: { api_key: null, api_secret: null }, save, label: "Replace", disabled: notAllowed() }));
}

function disconnect(again) {
  const sure = () => ask({
    title: "Disconnect ShipStation?",
    text: ["The log, pending orders, links and the credentials are removed. Sales, customers, products and stock stay.", "This cannot be undone."],
    fields: [{ name: "confirm", label: "Type the word disconnect" }],
    label: "Disconnect",
    danger: true,
    act: async ({ confirm }) => {
      await call("DELETE", "/v1/connection", { body: { confirm } });
      toast("Disconnected.");
      again();
    },
  });
  return can("configure") && card("Disconnect", h("p", { class: "soft" }, "Removes everything that ties this system to the ShipStation account."), h("div", {}, button("Disconnect…", sure, { kind: "danger" })));
}

export async function connection({ signal, again }) {
  const [state, settings] = await Promise.all([get("/v1/connection", signal), get("/v1/settings", signal)]);
  const warnings = state.warnings.map((one) => note("warn", h("p", {}, one.message)));
  if (state.state === "disconnected") return [checklist(state, settings), connecting(again)];
  const modes = state.modes.map((mode) => h("div", {}, MODES.find(([name]) => name === mode)?.[1] ?? mode));
  const about = card("ShipStation", facts(["State", badge(state.state)], ["Key", h("span", { class: "mono" }, `…${state.api_key_last_four ?? ""}`)], ["Connected", time(state.integrated_at)], ["Credentials set", time(state.credentials_set_at)], ["For", modes]));
  return [checklist(state, settings), warnings, h("div", { class: "cols" }, about, rotate(again)), disconnect(again)];
}
