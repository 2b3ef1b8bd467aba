// Checks target/template.json (the translated template) with cdk-nag's AWS Solutions rules.
//
// Accepted findings are listed below, each with one rule, one resource and one reason. A finding that is not in the list
// fails, and so does an entry without a finding.

import { createRequire } from "node:module";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), "..", "..");
// .ci/run installs the packages there, outside of the sources.
const require = createRequire(path.join(root, "target", "tools", "security", "package.json"));
const { App, Stack } = require("aws-cdk-lib");
const { CfnInclude } = require("aws-cdk-lib/cloudformation-include");
const { AwsSolutionsChecks } = require("cdk-nag");

const ACCEPTED = [
  {
    rule: "AwsSolutions-SMG4",
    resource: "ShipStationSecret",
    reason: "ShipStation has no call that makes a new key: a person makes it there and hands it to PUT /v1/connection (docs/deploy.md).",
  },
  {
    rule: "AwsSolutions-SQS3",
    resource: "EventDeadLetterQueue",
    reason: "It is the pipe's own dead-letter queue, which the rule does not see, since no queue redrives to it.",
  },
];

const app = new App({ outdir: mkdtempSync(path.join(tmpdir(), "stevedore-security-")) });
const stack = new Stack(app, "Stevedore");
new CfnInclude(stack, "Template", { templateFile: path.join(root, "target", "template.json") });

const report = new AwsSolutionsChecks(app).validateScope(stack);
const findings = report.violations.flatMap((violation) =>
  violation.violatingResources.map((construct) => ({
    rule: violation.ruleName,
    resource: construct.constructPath.split("/").pop(),
    description: violation.description,
  })),
);

const same = (one, other) => one.rule === other.rule && one.resource === other.resource;
const open = findings.filter((finding) => !ACCEPTED.some((accepted) => same(accepted, finding)));
const unneeded = ACCEPTED.filter((accepted) => !findings.some((finding) => same(accepted, finding)));
for (const { rule, resource, description } of open) console.error(`${resource}: ${rule}: ${description}`);
for (const { rule, resource } of unneeded) console.error(`${resource}: ${rule} is accepted, and nothing finds it any more`);
if (open.length + unneeded.length > 0) process.exit(1);
console.log(`security rules: no complaints but ${ACCEPTED.length} that are accepted, each with its reason`);
