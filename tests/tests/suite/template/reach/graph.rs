//! The graph of calls: the functions that a package's own functions can reach, by name.
//!
//! A name that could be several functions counts as all of them, so that more is reached than is
//! called and never less. These are separated: a free function, by the module from which the source
//! names or imports it; a method of the table, the queues or the secret, by the type that the
//! source gives to the receiver's name; and a method of any other type, which counts only once a
//! file with a reached function names the type (a value of a type that no file names cannot exist).

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Function, Source, Token};

/// The types that call AWS.
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
    /// `….name(…)`, on the value of an expression.
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
            // A module, at the beginning of a path.
            let is_module =
                at(Some(index + 1)).is_some_and(|token| token.is(':')) && at(Some(index + 2)).is_some_and(|token| token.is(':'));
            if is_module && !called {
                continue;
            }
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
    let wired = clients(source, package);
    let without: Vec<&str> = CLIENTS.into_iter().filter(|client| !wired.contains(client)).collect();
    let mut waiting: Vec<usize> = reached.iter().copied().collect();
    // Methods that were named while no file named their type.
    let mut unnamed: Vec<usize> = Vec::new();
    let mut files: BTreeSet<usize> = BTreeSet::new();
    let mut words: BTreeSet<&str> = BTreeSet::new();
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, function) in source.functions.iter().enumerate().filter(|(_, function)| packages.contains(&function.package)) {
        by_name.entry(&function.name).or_default().push(index);
    }
    while let Some(index) = waiting.pop() {
        let from = &source.functions[index];
        if files.insert(from.file) {
            words.extend(source.files[from.file].words.iter().map(String::as_str));
            let named: Vec<usize> = unnamed.extract_if(.., |target| is_named(&source.functions[*target], &words)).collect();
            waiting.extend(named.into_iter().filter(|target| reached.insert(*target)));
        }
        for mention in mentions(&from.body) {
            for &target in by_name.get(mention.name).into_iter().flatten() {
                let function = &source.functions[target];
                if may_use(from, function)
                    && !function.owner.as_ref().is_some_and(|owner| without.contains(&owner.as_str()))
                    && leads_to(source, from, &mention, function)
                    && !reached.contains(&target)
                {
                    if is_named(function, &words) {
                        reached.insert(target);
                        waiting.push(target);
                    } else {
                        unnamed.push(target);
                    }
                }
            }
        }
    }
    reached
}

/// The clients that a package has: the ones whose types it names, or the `Deps` of the workflows that it
/// runs.
fn clients(source: &Source, package: &str) -> BTreeSet<&'static str> {
    let own: BTreeSet<usize> =
        source.functions.iter().filter(|function| function.package == package).map(|function| function.file).collect();
    let imported = own.iter().map(|file| &source.files[*file].imported);
    let runs = imported.filter(|names| names.contains("stevedore_workflows") && names.contains("Deps"));
    let wiring = runs.map(|names| {
        let of_module = |path: &str| path.strip_suffix("/deps.rs").is_some_and(|module| names.contains(module));
        let file = source.files.iter().find(|file| of_module(&file.path));
        file.or_else(|| source.files.iter().find(|file| file.path == "deps.rs")).expect("the workflows' wiring")
    });
    let words: Vec<&BTreeSet<String>> = wiring.map(|file| &file.words).chain([&source.words[package]]).collect();
    CLIENTS.into_iter().filter(|client| words.iter().any(|words| words.contains(*client))).collect()
}

/// True if one may use the other: crates below the workflows use none of them.
fn may_use(from: &Function, to: &Function) -> bool {
    from.package != "stevedore-aws" || to.package == from.package
}

/// True if the type of the method was named by now. Traits always count, because calls do not name
/// them.
fn is_named(function: &Function, words: &BTreeSet<&str>) -> bool {
    function.package != "stevedore-workflows" || function.owner.as_ref().is_none_or(|owner| words.contains(owner.as_str()))
}

/// True if a free function is the named one: by its module's name, or alone if its file is the same
/// or imports it.
fn is_meant(source: &Source, from: &Function, by: &By<'_>, to: &Function) -> bool {
    let (here, there) = (&source.files[from.file], &source.files[to.file]);
    match by {
        By::Path(module) if !["self", "super", "crate"].contains(module) => {
            // A module that has no function of the name stands for items of its own parts.
            let has_one = |function: &Function| function.name == to.name && source.files[function.file].modules.contains(*module);
            there.modules.contains(*module)
                || to.package.replace('-', "_") == *module
                || (!source.functions.iter().any(has_one) && there.modules.iter().any(|module| here.imported.contains(module)))
        }
        By::Path("self") => from.file == to.file,
        By::Path("super") => there.modules.is_subset(&here.modules),
        By::Path(_) => from.package == to.package,
        By::Name | By::Receiver(_) | By::Expression => {
            let from_there = there.modules.iter().any(|module| here.imported.contains(module))
                || there.modules.is_subset(&here.modules)
                || here.imported.contains(&to.package.replace('-', "_"));
            from.file == to.file || (here.imports(&to.name) && from_there)
        }
    }
}

fn leads_to(source: &Source, from: &Function, mention: &Mention<'_>, to: &Function) -> bool {
    let owner = to.owner.as_deref();
    let is_client = owner.is_some_and(|owner| CLIENTS.contains(&owner));
    match mention.by {
        By::Path("Self") => owner == from.owner.as_deref() || !is_client,
        // A type without functions here is another crate's (`Arc::new`), unless it is a parameter (`T::new`).
        By::Path(of) if of.starts_with(char::is_uppercase) => owner == Some(of) || (of.len() == 1 && owner.is_some() && !is_client),
        By::Name | By::Path(_) => owner.is_none() && is_meant(source, from, &mention.by, to),
        By::Receiver("self") => owner == from.owner.as_deref() || (owner.is_some() && !is_client),
        By::Receiver(of) => {
            let types = source.types.get(of).cloned().unwrap_or_else(|| aliased(from, of));
            let clients: BTreeSet<&str> = types.iter().map(String::as_str).filter(|name| CLIENTS.contains(name)).collect();
            // The name may stand for something else, which is no client.
            owner.is_some_and(|owner| clients.contains(owner)) || (owner.is_some() && !is_client)
        }
        By::Expression => owner.is_some(),
    }
}

/// The client of a local name: `let name = deps.queues.clone()`.
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
