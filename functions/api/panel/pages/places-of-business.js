// Places of business: each makes the tax rules of its state, county and city.

import { call } from "../core/api.js";
import { fill, h, toast } from "../core/dom.js";
import { form } from "../core/form.js";
import { card, note } from "../core/components.js";
import { can } from "../core/session.js";

export function placesOfBusiness() {
  const made = h("div", {});
  const save = async (document) => {
    const body = Object.fromEntries(Object.entries(document).filter(([, value]) => value));
    const { body: answer } = await call("POST", "/v1/tax_rules/places_of_business", { body });
    toast("The rules of this place are there.");
    fill(made, note("good", h("strong", {}, "Set the percentages of these rules:"), h("ul", {}, answer.items.map((rule) => h("li", {}, h("a", { href: `#/tax_rules/${encodeURIComponent(rule.id)}` }, rule.name))))));
  };
  const fields = [
    { pointer: "/zip", label: "ZIP code", keepEmpty: true, help: "Five digits, such as 89501." },
    { pointer: "/company", label: "Company" },
    { pointer: "/street1", label: "Street" },
    { pointer: "/street2", label: "Street, second line" },
    { pointer: "/city", label: "City", help: "Left out, the first that mail to the ZIP names." },
    { pointer: "/state", label: "State", help: "Left out, that of the ZIP." },
    { pointer: "/phone", label: "Telephone" },
  ];
  const blank = { zip: null, company: null, street1: null, street2: null, city: null, state: null, phone: null };
  return card("Add a place of business in the United States",
    h("p", { class: "soft" }, "Makes the rules of its state, county and city, and keeps the address with the narrowest of them. An order shipped to the United States takes the narrowest rule whose place holds for its address."),
    form({ groups: [{ fields }], document: blank, save, label: "Add the place", saved: "Added.", disabled: can("configure") ? null : "Your token may not change tax rules." }), made);
}
