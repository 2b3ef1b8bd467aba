// Reference data: a list of each kind, and a form for one.

import { call, get } from "../core/api.js";
import { h, toast } from "../core/dom.js";
import { form } from "../core/form.js";
import { time } from "../core/format.js";
import { list } from "../core/list.js";
import { filters } from "./log.js";
import { ask, button, card, empty, linkButton, page } from "../core/components.js";
import { RECORDS } from "./reference-fields.js";
import { can } from "../core/session.js";

async function one(kind, id, { signal }) {
  const found = RECORDS[kind];
  const path = `/v1/${kind}`;
  const fresh = id === "new";
  const accounts = found.accounts ? get("/v1/accounts?limit=200", signal) : { items: [] };
  const [stored, { items }] = await Promise.all([fresh ? { body: structuredClone(found.blank), etag: null } : call("GET", `${path}/${encodeURIComponent(id)}`, { signal }), accounts]);
  let { etag } = stored;
  const save = async (document) => {
    if (fresh) {
      const answer = await call("POST", path, { body: document });
      toast(`The ${found.one} is made.`);
      location.hash = `#/${kind}/${encodeURIComponent(answer.body.id)}`;
      return null;
    }
    const answer = await call("PUT", `${path}/${encodeURIComponent(id)}`, { body: document, etag });
    etag = answer.etag;
    return answer.body;
  };
  const title = fresh ? `New ${found.one}` : found.name(stored.body) || id;
  const shown = form({ groups: found.groups(items), document: stored.body, save, label: fresh ? `Make the ${found.one}` : "Save", disabled: can("configure") ? null : "Your token may look at records and not change them." });
  const actions = kind === "products" && !fresh ? [linkButton("Stock", `#/stock?sku=${encodeURIComponent(stored.body.sku)}`)] : [];
  return page({ title, lead: fresh ? undefined : h("span", {}, h("code", {}, id), ", made ", time(stored.body.created_at)), back: [`#/${kind}`, found.title], actions }, card(null, shown));
}

// Products from a file: the API reads it as a whole, and an operation carries it out.
function importing() {
  const input = h("input", { type: "file", accept: ".csv,.jsonl,.ndjson", hidden: true, "aria-label": "A file of products" });
  input.addEventListener("change", async () => {
    try {
      const { body } = await call("POST", "/v1/products/import", { file: input.files[0] });
      location.hash = `#/operations/${encodeURIComponent(body.id)}`;
    } catch (error) {
      const faults = error.errors?.slice(0, 8).map((fault) => `Line ${fault.pointer.slice(1).replace("/", ", ")}: ${fault.message}`);
      ask({ title: "Nothing was imported", text: faults?.length > 0 ? faults : [error.message], label: "Understood", act: async () => {} });
    } finally {
      input.value = "";
    }
  });
  return [input, button("Import…", () => input.click())];
}

export async function show(context) {
  const [kind, id] = context.params;
  if (id) return one(kind, id, context);
  const found = RECORDS[kind];
  const columns = [[found.one === "product" ? "SKU" : "Name", (record) => h("a", { href: `#/${kind}/${encodeURIComponent(record.id)}` }, found.name(record)), { head: true }], ...found.columns, ["Made", (record) => time(record.created_at), { when: true }]];
  const { query } = context;
  const none = query.size > 0 ? empty(`No ${found.one} is found`, "Look whether it is written in full.") : empty(...found.none);
  const shown = await list({ label: found.title, path: `/v1/${kind}`, query: Object.fromEntries(query), columns, signal: context.signal, none });
  const search = found.foundBy ? [filters(`/${kind}`, query, [found.foundBy])] : [];
  return page({ title: found.title, lead: found.lead, actions: can("configure") ? [kind === "products" && importing(), linkButton(`New ${found.one}`, `#/${kind}/new`, "main")] : [] }, ...search, shown);
}
