//! What leads to what: the functions that a package's own functions can reach, by name.
//!
//! A name that could be several functions is all of them, so that more is reached than is called and never less. Only where the source says that something is a table,
//! a queue or a secret is a method its own type's alone.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Function, Source, Token};

/// The types through which AWS is reached.
const CLIENTS: [&str; 3] = ["Table", "Queues", "Secrets"];

/// A mention of a function.
#[derive(Debug, PartialEq, Eq)]
struct Mention<'a> {
    name: &'a str,
    by: By<'a>,
}

#[derive(Debug, PartialEq, Eq)]
enum By<'a> {
    /// `name(…)`, or its name alone as a value.
    Name,
    /// `Type::name`.
    Path(&'a str),
    /// `receiver.name(…)`.
    Receiver(&'a str),
    /// `….name(…)`, on what an expression gives.
    Expression,
}

fn mentions(tokens: &[Token]) -> Vec<Mention<'_>> {
    let at = |index: Option<usize>| index.and_then(|index| tokens.get(index));
    let mut found = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let Some(name) = token.name() else { continue };
        let before = at(index.checked_sub(1));
        let called = at(Some(index + 1)).is_some_and(|token| token.is('('))
            // `name::<T>(…)`
            || (at(Some(index + 1)).is_some_and(|token| token.is(':')) && at(Some(index + 3)).is_some_and(|token| token.is('<')));
        let by = if before.is_some_and(|token| token.is('.')) {
            if !called {
                continue;
            }
            at(index.checked_sub(2)).and_then(Token::name).map_or(By::Expression, By::Receiver)
        } else if before.is_some_and(|token| token.is(':')) && at(index.checked_sub(2)).is_some_and(|token| token.is(':')) {
            at(index.checked_sub(3)).and_then(Token::name).map_or(By::Expression, By::Path)
        } else {
            By::Name
        };
        found.push(Mention { name, by });
    }
    found
}

/// The functions that `package` can reach; all of its own are.
pub(super) fn reached(source: &Source, package: &str, packages: &BTreeSet<String>) -> BTreeSet<usize> {
    let mut reached: BTreeSet<usize> =
        source.functions.iter().enumerate().filter(|(_, function)| function.package == package).map(|(index, _)| index).collect();
    // A package that never names a client's type has none.
    let without: Vec<&str> = CLIENTS.into_iter().filter(|client| !source.words[package].contains(*client)).collect();
    let mut waiting: Vec<usize> = reached.iter().copied().collect();
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, function) in source.functions.iter().enumerate().filter(|(_, function)| packages.contains(&function.package)) {
        by_name.entry(&function.name).or_default().push(index);
    }
    while let Some(index) = waiting.pop() {
        let from = &source.functions[index];
        for mention in mentions(&from.body) {
            for &target in by_name.get(mention.name).into_iter().flatten() {
                let function = &source.functions[target];
                if !function.owner.as_ref().is_some_and(|owner| without.contains(&owner.as_str()))
                    && leads_to(source, from, &mention, function)
                    && reached.insert(target)
                {
                    waiting.push(target);
                }
            }
        }
    }
    reached
}

fn leads_to(source: &Source, from: &Function, mention: &Mention<'_>, to: &Function) -> bool {
    let owner = to.owner.as_deref();
    let is_client = owner.is_some_and(|owner| CLIENTS.contains(&owner));
    match mention.by {
        By::Path("Self") => owner == from.owner.as_deref() || !is_client,
        By::Path(of) if of.starts_with(char::is_uppercase) => owner == Some(of) || (owner.is_some() && !is_client),
        By::Name | By::Path(_) => owner.is_none(),
        By::Receiver("self") => owner == from.owner.as_deref() || (owner.is_some() && !is_client),
        By::Receiver(of) => {
            let types = source.types.get(of).cloned().unwrap_or_else(|| aliased(from, of));
            let clients: BTreeSet<&str> = types.iter().map(String::as_str).filter(|name| CLIENTS.contains(name)).collect();
            // Something else of that name may stand here: it is no client, though.
            owner.is_some_and(|owner| clients.contains(owner)) || (owner.is_some() && !is_client)
        }
        By::Expression => owner.is_some(),
    }
}

/// The client that a local name stands for: `let name = deps.queues.clone()`.
fn aliased(from: &Function, name: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (index, token) in from.body.iter().enumerate() {
        if token.name() != Some(name) || !from.body.get(index + 1).is_some_and(|token| token.is('=')) {
            continue;
        }
        let rest = from.body[index + 1..].iter().take_while(|token| !token.is(';')).filter_map(Token::name);
        for part in rest {
            for (field, of) in [("table", "Table"), ("queues", "Queues"), ("secrets", "Secrets")] {
                if part == field || part == of {
                    found.insert(of.to_owned());
                }
            }
        }
    }
    found
}
