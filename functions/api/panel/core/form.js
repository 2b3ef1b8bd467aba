// Forms over a JSON document: each field is a place in it, and each fault of the API's finds its field.

import { add, fill, h, newId, announce } from "./dom.js";
import { note } from "./components.js";

export function at(document, pointer) {
  return pointer.split("/").slice(1).reduce((value, name) => value?.[name], document);
}

function put(document, pointer, value) {
  const names = pointer.split("/").slice(1);
  const last = names.pop();
  let place = document;
  for (const name of names) place = place[name] ??= {};
  place[last] = value;
}

// What each kind of field is made of: its input, and what is read of it.
const KINDS = {
  text: (field, value, id) => simple(field, value, id, field.type ?? "text"),
  number: (field, value, id) => {
    const input = h("input", { id, type: "number", min: field.min, max: field.max, step: "1", inputmode: "numeric" });
    input.value = value ?? "";
    // What is no number is sent as it is: the API says what belongs there.
    return { input, read: () => (input.value === "" ? null : Number(input.value)) };
  },
  lines: (field, value, id) => {
    const input = h("textarea", { id, rows: "3" });
    input.value = (value ?? []).join("\n");
    return { input, read: () => input.value.split("\n").map((line) => line.trim()).filter(Boolean) };
  },
  numbers: (field, value, id) => {
    const input = h("input", { id, type: "text", inputmode: "numeric" });
    input.value = (value ?? []).join(", ");
    return { input, read: () => input.value.split(/[\s,]+/).filter(Boolean).map((text) => (/^\d+$/.test(text) ? Number(text) : text)) };
  },
  choice: (field, value, id) => {
    const options = field.options.map(([name, label]) => h("option", { value: name ?? "" }, label));
    if (value && !field.options.some(([name]) => String(name) === String(value))) options.push(h("option", { value }, `${value} (not in the list)`));
    const input = h("select", { id }, options);
    input.value = value ?? "";
    return { input, read: () => (input.value === "" ? null : field.integer ? Number(input.value) : input.value) };
  },
  suggest: (field, value, id) => {
    const names = h("datalist", { id: `${id}-names` }, field.options.map((name) => h("option", { value: name })));
    const input = h("input", { id, type: "text", list: names.id, autocomplete: "off", spellcheck: "false" });
    input.value = value ?? "";
    return { input, more: names, read: () => input.value.trim() || null };
  },
  checks: (field, value, id) => {
    const chosen = new Set((value ?? []).map(String));
    const known = [...field.options];
    for (const one of chosen) if (!known.some(([name]) => String(name) === one)) known.push([Number(one), `${one} (not in the list)`]);
    const boxes = known.map(([name, label], index) => {
      const box = h("input", { type: "checkbox", id: `${id}-${index}`, checked: chosen.has(String(name)), value: name });
      return h("div", { class: "check" }, box, h("label", { for: box.id }, label));
    });
    const input = h("div", { id, role: "group", class: "pairs" }, boxes.length > 0 ? boxes : h("span", { class: "soft" }, field.none));
    return { input, group: true, read: () => [...input.querySelectorAll("input:checked")].map((box) => Number(box.value)) };
  },
  texts: (field, value, id) => {
    const rows = field.names.map(([name, label]) => h("div", { class: "pair", "data-name": name }, h("span", {}, label), h("input", { type: "text", inputmode: "decimal", "aria-label": `${field.label}: ${label}`, value: (value ?? {})[name] ?? "" })));
    const input = h("div", { id, role: "group", class: "pairs" }, rows);
    return { input, group: true, read: () => Object.fromEntries(rows.map((row) => [row.dataset.name, row.querySelector("input").value.trim()]).filter(([, text]) => text)) };
  },
  pairs: (field, value, id) => pairs(field, value ?? {}, id),
  parts: (field, value, id) => parts(field, value ?? [], id),
};

function simple(field, value, id, type) {
  const input = h("input", { id, type, autocomplete: field.autocomplete ?? "off", pattern: field.pattern, maxlength: field.most, placeholder: field.placeholder });
  input.value = value ?? "";
  return { input, read: () => (input.value.trim() === "" ? (field.keepEmpty ? "" : null) : input.value.trim()) };
}

// A map: the names that are known, and others that may be added, each with a choice.
function pairs(field, value, id) {
  const box = h("div", { class: "pairs" });
  const choose = (chosen, label) => {
    const options = field.options.map(([name, text]) => h("option", { value: name ?? "" }, text));
    if (chosen && !field.options.some(([name]) => name === chosen)) options.push(h("option", { value: chosen }, `${chosen} (not in the list)`));
    const select = h("select", { "aria-label": label }, options);
    select.value = chosen ?? "";
    return select;
  };
  const row = (name, label, chosen) => add(box, [h("div", { class: "pair", "data-name": name }, h("span", {}, label), choose(chosen, `${field.label}: ${label}`))]);
  for (const [name, label] of field.names) row(name, label, value[name]);
  for (const [name, chosen] of Object.entries(value)) if (!field.names.some(([known]) => known === name)) row(name, name, chosen);
  const input = h("div", { id, role: "group", class: "stack" }, box);
  if (field.names.length === 0 && Object.keys(value).length === 0) add(input, [h("span", { class: "soft" }, field.none)]);
  if (field.addLabel) {
    const name = h("input", { type: "text", "aria-label": field.addLabel, placeholder: field.addLabel });
    const act = h("button", { type: "button", class: "button small", on: { click: () => { if (name.value.trim()) row(name.value.trim(), name.value.trim(), null); name.value = ""; } } }, "Add");
    add(input, [h("div", { class: "pair" }, name, act)]);
  }
  const read = () => Object.fromEntries([...box.children].map((one) => [one.dataset.name, one.querySelector("select").value]).filter(([, chosen]) => chosen));
  return { input, group: true, read };
}

// What a part's input holds. What is no whole number is sent as it is: the API says what belongs there.
function valueOf(input) {
  const text = input.value.trim() || null;
  return input.dataset.integer && /^-?\d+$/.test(text ?? "") ? Number(text) : text;
}

// A list of small objects, each with the same members.
function parts(field, value, id) {
  const box = h("div", { class: "pairs" });
  const row = (one) => {
    const inputs = field.members.map((member) => {
      const input = member.options
        ? h("select", { "aria-label": member.label }, member.options.map(([name, text]) => h("option", { value: name ?? "" }, text)))
        : h("input", { type: "text", "aria-label": member.label, placeholder: member.label, inputmode: member.inputmode });
      input.value = one[member.name] ?? "";
      input.dataset.member = member.name;
      if (member.integer) input.dataset.integer = "yes";
      return input;
    });
    const line = h("div", { class: "row part" }, inputs, h("button", { type: "button", class: "button small", on: { click: () => line.remove() } }, "Remove"));
    add(box, [line]);
  };
  value.forEach(row);
  const input = h("div", { id, role: "group", class: "stack" }, box, h("div", {}, h("button", { type: "button", class: "button small", on: { click: () => row({}) } }, field.addLabel)));
  const read = () => [...box.children].map((line) => Object.fromEntries([...line.querySelectorAll("[data-member]")].map((one) => [one.dataset.member, valueOf(one)]).filter(([, text]) => text !== null)));
  return { input, group: true, read };
}

function build(field, document) {
  const id = newId("field");
  const value = at(document, field.pointer) ?? field.default;
  const help = field.help && h("span", { class: "help", id: `${id}-help` }, field.help);
  const fault = h("span", { class: "fault", id: `${id}-fault`, hidden: true });
  const describe = [help?.id, fault.id].filter(Boolean).join(" ");
  let made;
  let element;
  if (field.kind === "flag") {
    const input = h("input", { type: "checkbox", id, checked: Boolean(value), "aria-describedby": describe });
    made = { input, read: () => input.checked };
    element = h("div", { class: "field" }, h("div", { class: "check" }, input, h("label", { for: id }, field.label)), help, fault);
  } else {
    made = KINDS[field.kind ?? "text"](field, value, id);
    made.input.setAttribute("aria-describedby", describe);
    const labelled = made.group ? h("span", { class: "legend", id: `${id}-label` }, field.label) : h("label", { for: id }, field.label);
    if (made.group) made.input.setAttribute("aria-labelledby", `${id}-label`);
    element = h("div", { class: "field" }, labelled, made.input, made.more, help, fault);
  }
  return { field, element, fault, ...made };
}

// A form over `document`. `groups`: [{legend, help, fields}]; `save` gets the whole document with what the fields say.
export function form({ groups, document: given, save, label = "Save", disabled, saved = "Saved." }) {
  let document = given;
  const fields = [];
  const summary = h("div", { role: "alert" });
  const submit = h("button", { class: "button main" }, label);
  const state = h("span", { class: "soft small" });
  const body = groups.map((group) => {
    const set = h("fieldset", { class: "group", disabled }, group.legend && h("legend", {}, group.legend), group.help && h("p", { class: "soft" }, group.help));
    for (const one of group.fields) {
      const field = build(one, document);
      fields.push(field);
      add(set, [field.element]);
    }
    return set;
  });
  const element = h("form", { novalidate: true }, body, summary, disabled ? h("p", { class: "soft" }, disabled) : h("div", { class: "savebar" }, submit, state));
  function read() {
    const copy = structuredClone(document);
    for (const { field, read: value } of fields) if (!field.foreign) put(copy, field.pointer, value());
    for (const { field } of fields) {
      // What does not apply has its default: the API refuses it otherwise.
      if (field.when && !field.foreign && !field.when(copy, document)) put(copy, field.pointer, field.default ?? null);
    }
    for (const { field, read: value } of fields) if (field.foreign && value() && field.when(copy, document)) put(copy, field.pointer, value());
    return copy;
  }
  function arrange() {
    const copy = read();
    for (const { field, element: shown } of fields) if (field.when) shown.hidden = !field.when(copy, document);
  }
  function showFaults(errors) {
    for (const one of fields) {
      one.fault.hidden = true;
      one.input.removeAttribute("aria-invalid");
    }
    const unplaced = [];
    for (const error of errors) {
      const home = fields.filter(({ field, element: shown }) => !shown.hidden && (error.pointer === field.pointer || error.pointer.startsWith(`${field.pointer}/`))).at(-1);
      if (!home) { unplaced.push(error); continue; }
      home.fault.textContent = home.fault.hidden ? error.message : `${home.fault.textContent} ${error.message}`;
      home.fault.hidden = false;
      home.input.setAttribute("aria-invalid", "true");
    }
    fill(summary, unplaced.map((error) => note("bad", h("p", {}, `${error.pointer ? `${error.pointer}: ` : ""}${error.message}`))));
    const first = fields.find((one) => one.input.getAttribute("aria-invalid"));
    (first?.input.matches("input, select, textarea") ? first.input : first?.input.querySelector("input, select"))?.focus();
    if (errors.length > 0) announce(`${errors.length} ${errors.length === 1 ? "field is" : "fields are"} at fault.`);
  }
  element.addEventListener("change", arrange);
  element.addEventListener("input", () => { state.textContent = ""; });
  element.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    fill(summary);
    try {
      document = (await save(read())) ?? document;
      arrange();
      showFaults([]);
      state.textContent = saved;
      announce(saved);
    } catch (error) {
      if (error.errors?.length > 0) showFaults(error.errors);
      else if (error.status === 412) fill(summary, note("warn", h("strong", {}, "Somebody else changed this in the meantime."), h("p", {}, "Reload the page to see what it is now, then make your change again.")));
      else fill(summary, note("bad", error.message));
      if (!error.status && error.status !== 0) console.error(error);
    } finally {
      submit.disabled = false;
    }
  });
  arrange();
  return element;
}
