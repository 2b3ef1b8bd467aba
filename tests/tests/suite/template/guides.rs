//! The guides (`docs/deploy.md`, `docs/runbook.md`) agree with the template.

use std::collections::{BTreeMap, BTreeSet};

use serde_norway::Value;

use super::{entries, names, resources, root, template, text};

/// Words with inner capitals that are not names of the template: metrics, AWS's own words and
/// settings of its calls.
const OTHERS: [&str; 14] = [
    "ConcurrentExecutions",
    "CurrentState",
    "StateReason",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "DeleteTable",
    "AccessDeniedException",
    "BatchSize",
    "Metadata",
    "ExecutionThrottled",
    "ExecutionTimeout",
    "ExecutionPartiallyFailed",
    "PutEvents",
    "WriteThrottleEvents",
];

fn guide(name: &str) -> String {
    std::fs::read_to_string(root().join("docs").join(name)).unwrap()
}

/// Words of letters and digits alone.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty())
}

/// The lines outside of blocks of code.
fn prose(guide: &str) -> impl Iterator<Item = &str> {
    let mut block = false;
    guide.lines().filter(move |line| {
        let fence = line.starts_with("```");
        block ^= fence;
        !fence && !block
    })
}

/// Texts between single back quotes, outside of blocks of code.
fn quoted(guide: &str) -> Vec<&str> {
    prose(guide).flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

/// `OrdersConcurrency`: two capitals or more, each followed by a small letter.
fn is_name(word: &str) -> bool {
    let capitals = word.chars().filter(char::is_ascii_uppercase).count();
    let small = word.chars().filter(char::is_ascii_lowercase).count();
    word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.chars().all(|c| c.is_ascii_alphanumeric())
        && capitals >= 2
        && small > capitals
}

/// Every alarm that a guide names is in the template. The other direction is a section of the
/// runbook for each alarm (`watching.rs`).
#[test]
fn the_guides_name_no_alarm_that_is_gone() {
    let template = template();
    let alarms: BTreeSet<&str> = resources(&template, "AWS::CloudWatch::Alarm").into_iter().map(|(name, _)| name).collect();
    let mut found = 0;
    for name in ["deploy.md", "runbook.md", "LOGGING.md", "second-engine.md", "performance.md"] {
        let guide = guide(name);
        for word in words(&guide).filter(|word| is_name(word) && word.ends_with("Alarm")) {
            assert!(alarms.contains(word), "{name}: there is no alarm {word}");
            found += 1;
        }
    }
    assert!(found >= alarms.len());
}

/// The table of parameters has each of the template's, with its default, and no other.
#[test]
fn the_table_of_parameters_is_the_templates() {
    let template = template();
    let guide = guide("deploy.md");
    let (_, section) = guide.split_once("\n## Parameters\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let mut told: BTreeMap<&str, &str> = BTreeMap::new();
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let parameters = quoted(cells[1]);
        let defaults: Vec<&str> = cells[2].split([',', ';']).map(|cell| cell.trim().trim_matches('`')).collect();
        for (index, parameter) in parameters.iter().enumerate() {
            // One default for all, or one for each. Of the parameters of sign-in, the last default
            // is that of the scopes.
            let last = parameters.len() - 1;
            let default = if defaults.len() == parameters.len() {
                defaults[index]
            } else {
                defaults[usize::from(index == last) * (defaults.len() - 1)]
            };
            assert!(told.insert(parameter, default).is_none(), "{parameter} is there twice");
        }
    }
    assert_eq!(told.keys().copied().collect::<BTreeSet<_>>(), names(&template["Parameters"]));
    for (parameter, default) in told {
        let written = &template["Parameters"][parameter]["Default"];
        let written = written.as_u64().map_or_else(|| written.as_str().unwrap_or_default().to_owned(), |number| number.to_string());
        match default {
            "none" => assert_eq!(written, "", "{parameter}"),
            "ShipStation's" => assert_eq!(written, stevedore_lambda::config::SHIPSTATION),
            default => assert_eq!(written, default, "{parameter}"),
        }
    }
}

/// Every name in back quotes in the form of the template's names is one: a parameter, an output, a
/// resource.
#[test]
fn the_guides_name_only_what_the_template_has() {
    let template = template();
    let known: BTreeSet<&str> =
        ["Parameters", "Outputs", "Resources"].into_iter().flat_map(|part| names(&template[part])).chain(OTHERS).collect();
    for name in ["deploy.md", "runbook.md"] {
        for word in quoted(&guide(name)).into_iter().flat_map(str::split_whitespace).filter(|word| is_name(word)) {
            assert!(known.contains(word), "{name}: {word} is no parameter, output or resource of the template");
        }
    }
    // The outputs of the stack that the guides' commands read.
    for output in guide("deploy.md").split("OutputKey=='").skip(1).map(|rest| rest.split('\'').next().unwrap()) {
        assert!(names(&template["Outputs"]).contains(output), "{output}");
    }
}

/// The names of resources in an account, in the form of the runbook: `STACK-orders`.
fn physical(template: &Value) -> BTreeSet<String> {
    let properties = ["FunctionName", "QueueName", "Name", "LogGroupName", "DashboardName"];
    entries(&template["Resources"])
        .flat_map(|(_, resource)| properties.iter().filter_map(move |property| resource["Properties"].get(*property)))
        .map(|name| text(name).replace("${AWS::StackName}", "STACK").replace("AWS::StackName", "STACK"))
        .collect()
}

/// The runbook's table of names is the template's, and its steps use no other names.
#[test]
fn the_runbooks_names_are_the_templates() {
    let template = template();
    let names = physical(&template);
    let runbook = guide("runbook.md");
    let (_, section) = runbook.split_once("\n## Where things are\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let told: BTreeSet<String> = quoted(section).into_iter().map(str::to_owned).collect();
    assert_eq!(told, names);
    for (name, guide) in [("runbook.md", &runbook), ("deploy.md", &guide("deploy.md"))] {
        let words = prose(guide).flat_map(|line| line.split(|c: char| !(c.is_ascii_alphanumeric() || "$-/_".contains(c))));
        for word in words.filter(|word| word.contains("STACK")).map(|word| word.replace('$', "").trim_end_matches(['-', '/']).to_owned()) {
            assert!(names.contains(&word), "{name}: {word}");
        }
    }
}

/// `logs NAME` in the runbook is a function's log.
#[test]
fn the_runbook_reads_logs_that_there_are() {
    let template = template();
    let names = physical(&template);
    let runbook = guide("runbook.md");
    let read: Vec<&str> = quoted(&runbook).into_iter().filter_map(|quoted| quoted.strip_prefix("logs ")).collect();
    assert!(read.len() > 5);
    for function in read {
        assert!(names.contains(&format!("/aws/lambda/STACK-{function}")), "{function}");
    }
}

/// The monthly cost names the number of metrics of the functions, and the number of ticks of the
/// schedules.
#[test]
fn the_costs_count_figures_and_ticks_as_they_are() {
    let template = template();
    let (fetch, run) = (fetch_orders::METRICS.len(), run_operations::METRICS.len());
    let (process, consolidate) = (process_orders::METRICS.len(), consolidate::METRICS.len());
    let all = fetch + run + process + consolidate;
    // CloudWatch's price of a custom metric is $0.30 a month.
    let cents = all * 30;
    let figures = format!(
        "{all} custom metrics ({fetch} of fetch-orders, {run} of run-operations, {process} of process-orders, {consolidate} of consolidate) about ${}.{:02}",
        cents / 100,
        cents % 100
    );
    let guide = guide("deploy.md").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(guide.contains(&figures), "{figures}");
    let ticks: u64 = resources(&template, "AWS::Scheduler::Schedule")
        .into_iter()
        .map(|(_, schedule)| text(&schedule["ScheduleExpression"]).split(['(', ' ']).nth(1).unwrap().parse::<u64>().unwrap())
        .map(|minutes| 30 * 24 * 60 / minutes)
        .sum();
    let ticks = format!("{},{:03} ticks", ticks / 1_000, ticks % 1_000);
    assert!(guide.contains(&ticks), "{ticks}");
}

/// A restore first stops all writers: every schedule and every mapping of a queue.
#[test]
fn a_restore_stops_every_schedule_and_every_mapping() {
    let template = template();
    let number = |count: usize| ["no", "the one", "both", "the three", "the four", "the five"][count];
    let guide = guide("deploy.md").split_whitespace().collect::<Vec<_>>().join(" ");
    let schedules = resources(&template, "AWS::Scheduler::Schedule").len();
    let mappings = super::events(&template, "SQS").len();
    assert!(guide.contains(&format!("for {} ticks", number(schedules))), "{schedules} schedules");
    assert!(guide.contains(&format!("disable {} event source mappings", number(mappings))), "{mappings} mappings");
}
