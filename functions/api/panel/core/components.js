// Components that pages are made of.

import { add, fill, h, newId, toast } from "./dom.js";
import { Problem } from "./api.js";

// A page: its head, and what is below.
export function page({ title, lead, back, actions }, ...children) {
  document.title = `${title} · Stevedore`;
  const crumb = back && h("a", { class: "crumb", href: back[0] }, `← ${back[1]}`);
  const head = h("div", { class: "head" },
    h("div", {}, crumb, h("h1", { tabindex: "-1" }, title), lead && h("p", { class: "lead" }, lead)),
    actions?.some(Boolean) && h("div", { class: "actions" }, actions));
  return [head, ...children];
}

export function card(title, ...children) {
  const box = h("section", { class: "card" }, title && h("div", { class: "cap" }, h("h2", {}, title)));
  return add(box, children);
}

export function facts(...pairs) {
  const list = h("dl", { class: "facts" });
  for (const [name, value] of pairs) {
    if (value === undefined || value === null || value === "" || value.length === 0) continue;
    add(list, [h("dt", {}, name), h("dd", {}, value)]);
  }
  return list;
}

export function note(tone, ...children) {
  return h("div", { class: `note ${tone}` }, children);
}

export function empty(title, ...text) {
  return h("div", { class: "empty" }, h("h3", {}, title), text.map((one) => (one instanceof Node ? one : h("p", {}, one))));
}

export function button(label, act, { kind = "", ...more } = {}) {
  return h("button", { type: "button", class: `button ${kind}`, on: { click: (event) => busy(event.currentTarget, act) }, ...more }, label);
}

export function linkButton(label, href, kind = "") {
  return h("a", { class: `button ${kind}`, href }, label);
}

// Does something, and meanwhile nobody can ask for it twice.
export async function busy(element, act) {
  if (element.getAttribute("aria-busy") === "true") return;
  element.setAttribute("aria-busy", "true");
  element.disabled = true;
  try {
    await act();
  } catch (error) {
    report(error);
  } finally {
    element.removeAttribute("aria-busy");
    element.disabled = false;
  }
}

// Says what went wrong where nothing on the page can.
export function report(error) {
  if (error?.name === "AbortError") return;
  if (!(error instanceof Problem)) console.error(error);
  toast(errorText(error));
}

export function errorText(error) {
  if (error instanceof Problem) {
    if (error.isAbsentRoute) return "This version of Stevedore cannot do that.";
    const details = error.errors.map((one) => one.message).join(" ");
    return details || error.message;
  }
  return "Something in the panel went wrong. Reload it; if that does not help, the browser's console says more.";
}

// What stands in for a page or a part that could not be read.
export function problemNote(error, again) {
  if (error instanceof Problem && error.isAbsentRoute) return empty("Not in this version", "This version of Stevedore does not have this part.");
  if (error instanceof Problem && error.status === 404) return empty("There is nothing here", error.message);
  if (error instanceof Problem && error.status === 403) return empty("You may not see this", error.message);
  if (!(error instanceof Problem)) console.error(error);
  return note("bad", h("strong", {}, "This could not be shown."), h("p", {}, errorText(error)), again && h("div", {}, button("Try again", again, { kind: "small" })));
}

// Tabs of one page, each an address of its own.
export function linkTabs(label, tabs, current) {
  const links = tabs.map(([name, href]) => h("a", { href, "aria-current": name === current ? "page" : undefined }, name));
  return h("nav", { class: "tabs", "aria-label": label }, links);
}

// Tabs over what is there already. Arrow keys move between them.
export function tabs(label, parts, first = 0) {
  const list = h("div", { class: "tabs", role: "tablist", "aria-label": label });
  const panels = [];
  const buttons = parts.map(([name, content], index) => {
    const id = newId("tab");
    const panel = h("div", { role: "tabpanel", id: `${id}-panel`, "aria-labelledby": id, tabindex: "0", hidden: index !== first }, content);
    panels.push(panel);
    return h("button", { type: "button", role: "tab", id, "aria-controls": panel.id, on: { click: () => choose(index) } }, name);
  });
  function choose(index, focus) {
    buttons.forEach((tab, at) => {
      tab.setAttribute("aria-selected", String(at === index));
      tab.tabIndex = at === index ? 0 : -1;
      panels[at].hidden = at !== index;
    });
    if (focus) buttons[index].focus();
  }
  list.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(document.activeElement);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (at >= 0 && step) choose((at + step + buttons.length) % buttons.length, true);
  });
  add(list, buttons);
  choose(first);
  return h("div", { class: "stack" }, list, panels);
}

// Asks in a dialog; `act` gets its form's values. Stays open, with what is wrong, when that fails.
export function ask({ title, text, fields = [], label, danger, act }) {
  const opener = document.activeElement;
  const trap = h("div", { role: "alert" });
  const names = new Map();
  const inputs = fields.map((field) => {
    const id = newId("ask");
    const input = field.options
      ? h("select", { id, name: field.name }, field.options.map(([value, name]) => h("option", { value }, name)))
      : h("input", { id, name: field.name, type: field.type ?? "text", required: field.required ?? true, step: field.step, autocomplete: "off", inputmode: field.inputmode, pattern: field.pattern, max: field.max, min: field.min });
    if (field.value !== undefined) input.value = field.value;
    const help = field.help && h("span", { class: "help", id: `${id}-help` }, field.help);
    if (help) input.setAttribute("aria-describedby", help.id);
    names.set(field.name, input);
    return h("div", { class: "field" }, h("label", { for: id }, field.label), input, help);
  });
  const confirm = h("button", { class: `button ${danger ? "danger" : "main"}` }, label);
  const cancel = h("button", { type: "button", class: "button", on: { click: () => dialog.close() } }, "Cancel");
  const titleId = newId("dialog");
  const form = h("form", {}, h("h2", { id: titleId }, title), [text].flat().filter(Boolean).map((one) => (one instanceof Node ? one : h("p", { class: "soft" }, one))), inputs, trap,
    h("div", { class: "actions" }, confirm, cancel));
  const dialog = h("dialog", { "aria-labelledby": titleId }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const values = Object.fromEntries([...names].map(([name, input]) => [name, input.value.trim()]));
    confirm.disabled = true;
    try {
      await act(values);
      dialog.close();
    } catch (error) {
      fill(trap, note("bad", errorText(error)));
    } finally {
      confirm.disabled = false;
    }
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    opener?.focus?.();
  });
  document.body.append(dialog);
  dialog.showModal();
}
