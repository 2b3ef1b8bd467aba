// Elements, made of texts and other elements alone: no input ever becomes markup.

export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === "value") {
      element.value = value;
    } else if (name === "checked") {
      element.checked = value;
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  add(element, children);
  return element;
}

export function add(element, children) {
  for (const child of children.flat(4)) {
    if (child === undefined || child === null || child === false || child === "") continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

export function fill(element, ...children) {
  element.replaceChildren();
  return add(element, children);
}

let last = 0;

// An id that nothing else on the page has.
export function newId(stem) {
  last += 1;
  return `${stem}-${last}`;
}

// Says something to people who listen to the page.
export function announce(text) {
  const live = document.getElementById("live");
  live.textContent = "";
  setTimeout(() => { live.textContent = text; }, 60);
}

let fading;

// Says something to everybody, for a moment.
export function toast(text) {
  document.querySelector(".toast")?.remove();
  clearTimeout(fading);
  const note = h("div", { class: "toast" }, text);
  document.body.append(note);
  announce(text);
  fading = setTimeout(() => note.remove(), 6000);
}
