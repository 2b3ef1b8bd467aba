// Messages that were given up on, and putting them back.

import { post } from "../core/api.js";
import { h, toast } from "../core/dom.js";
import { plural, time } from "../core/format.js";
import { list } from "../core/list.js";
import { button, empty, page } from "../core/components.js";
import { can } from "../core/session.js";
import { badge } from "../core/labels.js";

export async function show({ signal, again }) {
  const redrive = async (message_ids) => {
    const answer = { moved: 0, missing: 0 };
    for (;;) {
      const step = await post("/v1/dead-letters/redrive", message_ids ? { message_ids } : {});
      answer.moved += step.moved;
      answer.missing = step.missing;
      // One call moves as many as its time allows.
      if (message_ids || step.moved === 0 || step.left === 0) break;
    }
    toast(`${plural(answer.moved, "message is", "messages are")} on the queue again.${answer.missing > 0 ? ` ${answer.missing} could not be seen just now; try again in a minute.` : ""}`);
    again();
  };
  const columns = [
    ["Message", (one) => (one.order_id ? h("a", { href: `#/log/${one.order_id}` }, `Order ${one.order_number ?? one.order_id}`) : badge(one.kind)), { head: true }],
    ["Why, and what to do", (one) => h("div", { class: "stack" }, one.why, h("details", {}, h("summary", {}, "The message"), h("pre", { tabindex: "0" }, typeof one.body === "string" ? one.body : JSON.stringify(one.body, null, 2))))],
    ["Sent", (one) => time(one.sent_at), { when: true }],
  ];
  if (can("operate")) columns.push(["", (one) => button("Redrive", () => redrive([one.message_id]), { kind: "small" }), { bare: true, label: "Redrive" }]);
  let some = false;
  const shown = await list({ label: "Dead letters", path: "/v1/dead-letters", columns, signal, limit: 50, onRows: (items) => { some = items.length > 0; }, none: empty("No dead letters", "Every message was processed.") });
  const actions = can("operate") && some ? [button("Redrive all", () => redrive(null), { kind: "main" })] : [];
  return page({ title: "Dead letters", lead: "Messages that cannot be read, or that were tried as often as the queue allows. They are deleted fourteen days after they were first sent.", actions }, shown);
}
