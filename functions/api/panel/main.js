// The frame, and which page is shown at which address.

import { fill, h, announce } from "./core/dom.js";
import { get, whenSignedOut } from "./core/api.js";
import { currentMe, currentToken, keepMe, keepToken, can, signInElsewhere, signOut, takeCodeFromAddress, takeTokenFromAddress } from "./core/session.js";
import { busy, linkButton, note, problemNote, errorText } from "./core/components.js";

const PAGES = [
  [/^\/$/, () => import("./pages/home.js"), "/"],
  [/^\/pending$/, () => import("./pages/pending-orders.js"), "/pending"],
  [/^\/log$/, () => import("./pages/log.js"), "/log"],
  [/^\/log\/([^/]+)$/, () => import("./pages/log-entry.js"), "/log"],
  [/^\/operations$/, () => import("./pages/operations.js"), "/operations"],
  [/^\/operations\/([^/]+)$/, () => import("./pages/operation.js"), "/operations"],
  [/^\/sales$/, () => import("./pages/sales.js"), "/sales"],
  [/^\/sales\/([^/]+)$/, () => import("./pages/sale.js"), "/sales"],
  [/^\/stock$/, () => import("./pages/stock.js"), "/stock"],
  [/^\/(products|customers|locations|accounts|tax_rules|price_tiers)(?:\/([^/]+))?$/, () => import("./pages/reference-list.js"), null],
  [/^\/syncs$/, () => import("./pages/accounting-syncs.js"), "/syncs"],
  [/^\/sales\/([^/]+)\/adjust$/, () => import("./pages/sale-adjust.js"), "/sales"],
  [/^\/unreadable$/, () => import("./pages/unreadable-orders.js"), "/dead-letters"],
  [/^\/dead-letters$/, () => import("./pages/dead-letters.js"), "/dead-letters"],
  [/^\/history$/, () => import("./pages/activity.js"), "/history"],
  [/^\/setup(?:\/([^/]+))?$/, () => import("./pages/setup.js"), "/setup"],
];

const MENU = [
  [null, [["Home", "/"], ["Sales", "/sales"], ["Pending orders", "/pending"], ["Log", "/log"], ["Operations", "/operations"]]],
  ["Goods and people", [["Stock", "/stock"], ["Products", "/products"], ["Customers", "/customers"], ["Locations", "/locations"]]],
  ["Books", [["Accounts", "/accounts"], ["Tax rules", "/tax_rules"], ["Price tiers", "/price_tiers"], ["Accounting syncs", "/syncs"]]],
  ["System", [["Setup", "/setup"], ["Dead letters", "/dead-letters"], ["Activity", "/history"]]],
];

const app = document.getElementById("app");
let leaving = new AbortController();
let side;
let main;

function frame() {
  const toggle = h("button", { type: "button", class: "button small menu", "aria-expanded": "false", "aria-controls": "menu", on: { click: () => open(!side.classList.contains("open")) } }, "Menu");
  function open(wide) {
    side.classList.toggle("open", wide);
    toggle.setAttribute("aria-expanded", String(wide));
  }
  const groups = MENU.map(([name, links]) => [name && h("h2", {}, name), h("ul", {}, links.map(([label, path]) => h("li", {}, h("a", { href: `#${path}`, on: { click: () => open(false) } }, label))))]);
  const mark = h("a", { class: "brand", href: "#/" }, h("img", { src: new URL("mark.svg", import.meta.url).pathname, alt: "", width: "28", height: "28" }), "Stevedore");
  side = h("header", { class: "side" }, h("div", { class: "top" }, mark, toggle), h("nav", { id: "menu", "aria-label": "Pages" }, groups), h("div", { class: "who" }));
  main = h("main", { id: "content", tabindex: "-1" });
  fill(app, h("div", { class: "frame" }, side, main));
}

function who() {
  const grade = ["configure", "operate", "read"].find(can);
  const sentence = { configure: "may change everything", operate: "may operate", read: "may look" }[grade] ?? "";
  fill(side.querySelector(".who"), h("span", {}, `Signed in as ${currentMe().by}, who ${sentence}. Times are those of ${currentMe().time_zone.split("/").at(-1).replaceAll("_", " ")}.`),
    h("button", { type: "button", class: "button small", on: { click: () => { signOut(); start(); } } }, "Sign out"));
}

// What is behind the #: a path and parameters.
function place() {
  const [path, query] = (location.hash.slice(1) || "/").split("?");
  return { path, query: new URLSearchParams(query) };
}

async function show(focus) {
  if (!main) return;
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const { path, query } = place();
  const found = PAGES.find(([pattern]) => pattern.test(path));
  const current = found?.[2] ?? `/${path.split("/")[1]}`;
  for (const link of side.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === `#${current}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  main.setAttribute("aria-busy", "true");
  const slow = setTimeout(() => { if (!signal.aborted) announce("Loading"); }, 700);
  let content;
  try {
    if (!found) content = [h("h1", {}, "There is no such page"), h("p", {}, h("a", { href: "#/" }, "Go to the home page"))];
    else {
      const module = await found[1]();
      const params = found[0].exec(path).slice(1).map((text) => text && decodeURIComponent(text));
      content = await module.show({ params, query, signal, again: () => show(false) });
    }
  } catch (error) {
    if (error.name === "AbortError") return;
    content = [h("div", { class: "head" }, h("h1", {}, "Stevedore")), problemNote(error, () => show(false))];
  } finally {
    clearTimeout(slow);
  }
  if (signal.aborted) return;
  fill(main, content);
  main.removeAttribute("aria-busy");
  main.setAttribute("data-shown", location.hash);
  main.querySelector(".tabs [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
  if (focus) {
    window.scrollTo(0, 0);
    (main.querySelector("h1") ?? main).focus({ preventScroll: true });
  }
}

async function signIn(message) {
  main = null;
  document.title = "Sign in · Stevedore";
  const configuration = await get("/v1/panel-configuration").catch(() => ({ sign_in: null }));
  const fault = h("div", { role: "alert" }, message && note("bad", message));
  const mark = h("div", { class: "brand" }, h("img", { src: new URL("mark.svg", import.meta.url).pathname, alt: "", width: "36", height: "36" }), "Stevedore");
  let way;
  if (configuration.sign_in) {
    const go = h("button", { type: "button", class: "button main", on: { click: (event) => busy(event.currentTarget, () => signInElsewhere(configuration.sign_in)) } }, "Sign in");
    way = h("section", { class: "card" }, h("h1", {}, "Sign in"), h("p", { class: "soft" }, "You sign in at your organisation's own page and come back here."), fault, h("div", {}, go));
  } else {
    const input = h("input", { id: "token", type: "password", required: true, autocomplete: "off", "aria-describedby": "token-help" });
    const form = h("form", { class: "card" }, h("h1", {}, "Sign in"), h("div", { class: "field" }, h("label", { for: "token" }, "Token"), input,
      h("span", { class: "help", id: "token-help" }, "The start of Stevedore prints one for each grade: to look, to operate, to configure.")), fault,
      h("div", {}, h("button", { class: "button main" }, "Sign in")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      keepToken(input.value.trim());
      start();
    });
    way = form;
  }
  fill(app, h("main", { class: "sign-in", id: "content" }, mark, way));
  app.querySelector("input, button")?.focus();
}

async function start() {
  takeTokenFromAddress();
  const refused = await takeCodeFromAddress(() => get("/v1/panel-configuration")).catch((error) => errorText(error));
  if (!currentToken()) return signIn(refused);
  if (!currentMe()) {
    try {
      keepMe(await get("/v1/me"));
    } catch (error) {
      if (error.status === 401) return undefined;
      if (error.status === 403) { signOut(); return signIn(`${error.message} Ask whoever runs Stevedore for it.`); }
      return fill(app, h("main", { class: "sign-in" }, problemNote(error, start), linkButton("Reload", "/")));
    }
  }
  frame();
  who();
  return show(false);
}

whenSignedOut(() => {
  signOut();
  signIn("The token is not accepted, or not any more. Please sign in again.");
});
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  document.getElementById("content")?.focus();
});
window.addEventListener("hashchange", () => {
  if (location.hash.startsWith("#token=")) start();
  else show(true);
});
start();
