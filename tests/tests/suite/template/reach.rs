//! The calls that each function can make, read from the source: from every function of its package,
//! by the names that occur in it, to the SDK's calls in `lib/aws`.

mod graph;
mod indexes;
mod source;

use std::collections::{BTreeMap, BTreeSet};

use stevedore_tests::calls::Call;

use self::source::{Function, Source, Token};
use super::root;

/// The packages of the workspace that functions contain, apart from their own.
const LIBRARIES: [(&str, &str); 2] = [("stevedore-aws", "lib/aws"), ("stevedore-workflows", "lib/workflows")];

/// The SDK's operations in `lib/aws` with the permission of each. A transaction needs the
/// permissions of its parts (DynamoDB developer guide, "Using IAM with DynamoDB transactions"), and
/// a batch to a queue that of its single call.
const OPERATIONS: [(&str, &str); 17] = [
    ("get_item", "dynamodb:GetItem"),
    ("put_item", "dynamodb:PutItem"),
    ("delete_item", "dynamodb:DeleteItem"),
    ("batch_get_item", "dynamodb:BatchGetItem"),
    ("batch_write_item", "dynamodb:BatchWriteItem"),
    ("query", "dynamodb:Query"),
    ("transact_write_items", ""),
    ("get_queue_attributes", "sqs:GetQueueAttributes"),
    ("send_message", "sqs:SendMessage"),
    ("send_message_batch", "sqs:SendMessage"),
    ("receive_message", "sqs:ReceiveMessage"),
    ("delete_message", "sqs:DeleteMessage"),
    ("delete_message_batch", "sqs:DeleteMessage"),
    ("change_message_visibility_batch", "sqs:ChangeMessageVisibility"),
    ("get_secret_value", "secretsmanager:GetSecretValue"),
    ("put_secret_value", "secretsmanager:PutSecretValue"),
    ("create_secret", "secretsmanager:CreateSecret"),
];

/// Operations that only set up an engine. In AWS, tables and queues come from the template.
const SET_UP: [&str; 5] = ["create_table", "create_queue", "update_table", "set_queue_attributes", "update_time_to_live"];

/// The parts of a transaction, by the type that is built.
const PARTS: [(&str, &str); 4] = [
    ("Put", "dynamodb:PutItem"),
    ("Update", "dynamodb:UpdateItem"),
    ("Delete", "dynamodb:DeleteItem"),
    ("ConditionCheck", "dynamodb:ConditionCheckItem"),
];

const INDEXES: [(&str, &str); 3] =
    [("BY_TIME", "Table/index/by_time"), ("BY_NUMBER", "Table/index/by_number"), ("BY_STATE", "Table/index/by_state")];

const QUEUES: [(&str, &str); 4] = [
    ("orders", "OrdersQueue"),
    ("commands", "CommandsQueue"),
    ("consolidation", "ConsolidationQueue"),
    ("dead_letters", "DeadLetterQueue"),
];

/// The source of all functions.
pub(super) struct Reach {
    source: Source,
    /// Lists in several partitions, and the index of each.
    families: BTreeMap<String, String>,
}

impl Reach {
    pub(super) fn read() -> Self {
        let mut source = Source::default();
        for (package, folder) in LIBRARIES {
            source.read(package, &root().join(folder).join("src"));
        }
        for package in ["api", "consolidate", "fetch-orders", "process-orders", "run-operations"] {
            source.read(package, &root().join("functions").join(package).join("src"));
        }
        for function in &source.functions {
            check(function);
        }
        Self { source, families: families() }
    }

    /// The calls that a function's package can reach.
    pub(super) fn of(&self, package: &str) -> BTreeSet<Call> {
        let packages = contained(package);
        let reached = graph::reached(&self.source, package, &packages);
        let functions: Vec<&Function> = reached.iter().map(|index| &self.source.functions[*index]).collect();
        let mut calls = BTreeSet::new();
        for function in &functions {
            for (operation, call) in operations(&function.body) {
                let action = OPERATIONS.iter().find(|(name, _)| *name == operation).map(|(_, action)| *action).unwrap_or_default();
                let resources = match action.split_once(':') {
                    Some(("dynamodb", "Query")) if names(function).any(|name| name == "index_name") => BTreeSet::new(),
                    Some(("dynamodb", _)) => BTreeSet::from(["Table"]),
                    Some(("sqs", _)) => queues(function, call, &functions, package),
                    Some(("secretsmanager", _)) => BTreeSet::from(["ShipStationSecret"]),
                    _ => BTreeSet::new(),
                };
                calls.extend(resources.into_iter().map(|resource| (action.to_owned(), resource.to_owned())));
            }
            for (part, action) in PARTS {
                if path_mentions(&function.body, part).contains("builder") {
                    calls.insert((action.to_owned(), "Table".to_owned()));
                }
            }
            let families = self.families.iter().map(|(family, index)| {
                let resource = INDEXES.iter().find(|(name, _)| name == index).unwrap_or_else(|| panic!("{family} is in no index")).1;
                (family.as_str(), resource)
            });
            for (name, resource) in INDEXES.into_iter().chain(families) {
                // `BY_TIME.partition` only names an attribute, `SALES.place(…)` writes it, and the
                // declaration of `SALES` reads nothing.
                let mentions = !self.families.contains_key(&function.name)
                    && function.body.windows(2).any(|pair| pair[0].name() == Some(name) && !pair[1].is('.'));
                if mentions {
                    calls.insert(("dynamodb:Query".to_owned(), resource.to_owned()));
                }
            }
        }
        calls
    }
}

/// The packages that a function contains: its own, and the libraries that it or one of these depends on.
fn contained(package: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::from([package.to_owned()]);
    let mut manifests = vec![root().join("functions").join(package)];
    while let Some(folder) = manifests.pop() {
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("[dev-dependencies]").next().unwrap();
        for (name, library) in LIBRARIES.iter().filter(|(name, _)| dependencies.contains(&format!("{name}."))) {
            if found.insert((*name).to_owned()) {
                manifests.push(root().join(library));
            }
        }
    }
    found
}

/// The declarations of `lib/aws/src/table/item/spread.rs`:
/// `const SALES: Family = Family { index: BY_TIME, …`.
fn families() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(root().join("lib/aws/src/table/item/spread.rs")).unwrap();
    let declared = text.lines().filter_map(|line| line.split_once(": Family = Family { index: "));
    let found: BTreeMap<String, String> =
        declared.map(|(name, rest)| (name.rsplit(' ').next().unwrap().to_owned(), rest.split(',').next().unwrap().to_owned())).collect();
    assert_eq!(found.len(), stevedore_aws::FAMILIES.len(), "{found:?}");
    found
}

fn names(function: &Function) -> impl Iterator<Item = &str> {
    function.body.iter().filter_map(Token::name)
}

/// The SDK's operations that a body calls, each with the tokens after it: `client.operation(`, or
/// `….dynamodb().operation(`.
fn operations(body: &[Token]) -> Vec<(&str, &[Token])> {
    let mut found = Vec::new();
    for (index, token) in body.iter().enumerate() {
        let client = match token.name() {
            Some("client") => index + 1,
            Some("dynamodb" | "sqs" | "secrets") if body.get(index + 1).is_some_and(|token| token.is('(')) => index + 3,
            _ => continue,
        };
        let called = body.get(client + 2).is_some_and(|token| token.is('('));
        if let (true, true, Some(name)) =
            (body.get(client).is_some_and(|token| token.is('.')), called, body.get(client + 1).and_then(Token::name))
        {
            found.push((name, &body[client + 2..]));
        }
    }
    found
}

/// `Type::name` for a type: the names.
fn path_mentions<'a>(body: &'a [Token], of: &str) -> BTreeSet<&'a str> {
    let path = |window: &'a [Token]| {
        let is_path = window[0].name() == Some(of) && window[1].is(':') && window[2].is(':');
        window[3].name().filter(|_| is_path)
    };
    body.windows(4).filter_map(path).collect()
}

/// Checks that every sent call is known. A new operation must be added with its permission.
fn check(function: &Function) {
    if function.package != "stevedore-aws" {
        return;
    }
    let place = format!("{:?}::{}", function.owner, function.name);
    let known = operations(&function.body);
    for (operation, _) in &known {
        let is_known = OPERATIONS.iter().any(|(name, _)| name == operation) || SET_UP.contains(operation);
        assert!(is_known || *operation == "clone", "{place} calls {operation}, whose permission is not known here");
    }
    let sent = function
        .body
        .windows(4)
        .filter(|window| window[0].is('.') && window[1].name() == Some("send") && window[2].is('(') && window[3].is(')'));
    assert!(sent.count() <= known.len(), "{place} sends something that it does not make: this test does not see which operation");
}

/// The queues of a call: the name in its `queue_url(…)`, or the local name in it.
fn queues(function: &Function, call: &[Token], reached: &[&Function], package: &str) -> BTreeSet<&'static str> {
    let start = call.iter().position(|token| token.name() == Some("queue_url")).unwrap_or_else(|| panic!("{}: no queue", function.name));
    let argument = enclosed(&call[start + 1..]);
    let takes = |name: &str| function.signature.iter().any(|token| token.name() == Some(name));
    let local = argument.iter().find_map(Token::name).unwrap();
    if argument.iter().any(|token| token.name() == Some("urls")) {
        return named(argument);
    }
    // `let target = …;`
    let defined =
        function.body.windows(3).position(|window| window[0].name() == Some("let") && window[1].name() == Some(local) && window[2].is('='));
    let argument = match defined {
        Some(place) => {
            let end = function.body[place..].iter().position(|token| token.is(';')).unwrap();
            &function.body[place..place + end]
        }
        None if takes(local) && local != "self" => {
            let calls = |other: &&&Function| names(other).any(|name| name == function.name);
            return reached.iter().filter(calls).flat_map(|caller| named(&caller.body)).collect();
        }
        None => argument,
    };
    if argument.iter().any(|token| token.name() == Some("urls")) {
        return named(argument);
    }
    assert!(argument.iter().any(|token| token.name() == Some("url")), "{}: this test does not see which queue is meant", function.name);
    if takes("Command") {
        return commands(reached, package);
    }
    let url = reached.iter().find(|other| other.owner.as_deref() == Some("Queues") && other.name == "url").unwrap();
    named(&url.body)
}

/// The tokens between the first parenthesis and its end.
fn enclosed(tokens: &[Token]) -> &[Token] {
    let mut depth = 0_usize;
    for (place, token) in tokens.iter().enumerate() {
        depth += usize::from(token.is('('));
        depth -= usize::from(token.is(')'));
        if depth == 0 {
            return &tokens[1..place.max(1)];
        }
    }
    tokens
}

/// The queues that are named directly: `urls.orders`.
fn named(body: &[Token]) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    for (index, token) in body.iter().enumerate() {
        if token.name() != Some("urls") {
            continue;
        }
        let after = body[index + 1..].iter().take(5).find_map(Token::name);
        found.extend(QUEUES.iter().filter(|(name, _)| Some(*name) == after).map(|(_, resource)| *resource));
    }
    found
}

/// The queues of the commands that the function's own package and its workflows make, or forward
/// unchanged.
fn commands(reached: &[&Function], package: &str) -> BTreeSet<&'static str> {
    let mut found = BTreeSet::new();
    for function in reached.iter().filter(|function| [package, "stevedore-workflows"].contains(&function.package.as_str())) {
        let body = &function.body;
        for index in 0..body.len().saturating_sub(3) {
            let is_command = body[index].name() == Some("Command") && body[index + 1].is(':') && body[index + 2].is(':');
            let variant = body[index + 3].name().filter(|name| is_command && name.starts_with(char::is_uppercase));
            if let Some(variant) = variant
                && !is_pattern(body, index)
            {
                found.insert(if variant == "Consolidate" { "ConsolidationQueue" } else { "CommandsQueue" });
            }
        }
    }
    found
}

/// True if the command at `index` is matched there, not made: in an arm of a `match`. A command
/// that an arm binds as a whole (`command @ …`) may be sent on.
fn is_pattern(body: &[Token], index: usize) -> bool {
    let before = index.checked_sub(1).map(|index| &body[index]);
    if before.is_some_and(|token| token.is('@')) {
        return false;
    }
    let mut after = index + 4;
    if body.get(after).is_some_and(|token| token.is('{')) {
        let mut depth = 0_usize;
        for (place, token) in body.iter().enumerate().skip(after) {
            depth += usize::from(token.is('{'));
            depth -= usize::from(token.is('}'));
            if depth == 0 {
                after = place + 1;
                break;
            }
        }
    }
    body.get(after).is_some_and(|token| token.is('=') || token.is('|')) || before.is_some_and(|token| token.is('|'))
}

/// Only one command has a queue of its own, as in `commands` above.
#[test]
fn only_consolidation_has_a_command_queue_of_its_own() {
    let reach = Reach::read();
    let of = reach.source.functions.iter().find(|function| function.owner.as_deref() == Some("Origin") && function.name == "of").unwrap();
    assert_eq!(path_mentions(&of.body, "Command"), BTreeSet::from(["Consolidate"]));
}

/// The test finds a call through several packages, through a macro's arguments and through a method
/// name that another type has too.
#[test]
fn calls_are_found_through_packages_macros_and_methods_of_the_same_name() {
    let reach = Reach::read();
    let calls: BTreeMap<&str, BTreeSet<Call>> = ["api", "process-orders"].into_iter().map(|package| (package, reach.of(package))).collect();
    let has = |package: &str, action: &str, resource: &str| calls[package].contains(&(action.to_owned(), resource.to_owned()));
    assert!(has("process-orders", "dynamodb:Query", "Table/index/by_time"), "through lib/workflows: {:#?}", calls["process-orders"]);
    assert!(has("api", "sqs:GetQueueAttributes", "DeadLetterQueue"), "in try_join!: {:#?}", calls["api"]);
    assert!(!calls["process-orders"].iter().any(|(action, _)| action.starts_with("secretsmanager:")), "it has no secret");
}
