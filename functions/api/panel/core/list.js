// Lists: one page of the API's at a time, however long the list is.

import { fill, h, announce } from "./dom.js";
import { get, withQuery } from "./api.js";
import { button, empty, problemNote } from "./components.js";

// A table of rows. `columns`: [heading, cell, {num, bare, head, when}].
export function table(label, columns, rows, foot) {
  const heads = columns.map(([name, , options = {}]) => h("th", { scope: "col", class: options.num ? "num" : options.tight ? "tight" : undefined }, name || h("span", { class: "unseen" }, options.label ?? "")));
  const body = rows.map((row) => h("tr", {}, columns.map(([name, cell, options = {}]) => {
    const classes = [options.num && "num", (options.when || options.code) && "when", options.bare && "bare", options.wide && "wide", options.tight && "tight"].filter(Boolean).join(" ");
    return h(options.head ? "th" : "td", { class: classes || undefined, "data-label": name, scope: options.head ? "row" : undefined }, cell(row));
  })));
  return h("div", { class: "scroll" }, h("table", { class: "cards" }, h("caption", { class: "unseen" }, label), h("thead", {}, h("tr", {}, heads)), h("tbody", {}, body), foot && h("tfoot", {}, foot)));
}

// A list of the API's with its pager. Answers its element once the first page is there.
export async function list({ label, path, query = {}, columns, none, limit = 50, signal, onRows }) {
  const box = h("section", { class: "card flush", "aria-label": label });
  const before = [];
  let token = null;
  async function load() {
    try {
      const answer = await get(withQuery(path, { ...query, limit, page_token: token }), signal);
      onRows?.(answer.items);
      show(answer);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      fill(box, h("div", { class: "empty" }, problemNote(error, load)));
    }
  }
  function show({ items, next_page_token: next }) {
    const pageNumber = before.length + 1;
    const forward = next && button("Next", () => { before.push(token); token = next; return turned(); }, { kind: "small" });
    const back = before.length > 0 && button("Back", () => { token = before.pop(); return turned(); }, { kind: "small" });
    const pager = (forward || back) && h("div", { class: "pager" }, h("span", { class: "soft small" }, `Page ${pageNumber}`), h("div", { class: "actions" }, back, forward));
    const rows = items.length > 0 ? table(label, columns, items) : null;
    // A filtered page may be empty and still go on.
    const nothing = next ? empty("Nothing on this page", "The list goes on: choose Next.") : pageNumber > 1 ? empty("That was all", "There is nothing on this page.") : none;
    fill(box, rows ?? nothing, pager);
  }
  async function turned() {
    await load();
    box.scrollIntoView({ block: "nearest" });
    announce(`Page ${before.length + 1}`);
  }
  box.reload = load;
  await load();
  return box;
}
