// Setup: the connection, every setting, and who changed what.

import { connection } from "./connection.js";
import { linkTabs, page } from "../core/components.js";
import { placesOfBusiness } from "./places-of-business.js";
import { section } from "./settings.js";
import { SECTIONS } from "./settings-fields.js";
import { settingsHistory } from "./activity.js";

export async function show(context) {
  const name = context.params[0] ?? "connection";
  const tabs = [["Connection", "#/setup"], ...Object.entries(SECTIONS).map(([key, one]) => [one.name, `#/setup/${key}`]), ["Changes", "#/setup/changes"]];
  const label = name === "connection" ? "Connection" : name === "changes" ? "Changes" : SECTIONS[name]?.name ?? "Connection";
  let content;
  if (name === "changes") content = await settingsHistory(context);
  else if (SECTIONS[name]) content = await section(name, context);
  else content = await connection(context);
  if (name === "taxes") content = [content, placesOfBusiness(context)];
  return page({ title: "Setup", lead: "How orders come in, and what becomes of them." }, linkTabs("Setup", tabs, label), content);
}
