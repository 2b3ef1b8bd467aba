//! The graph of a crate's source files: which file uses an item that which other file defines.
//!
//! A path leads to the file that defines the item, through every re-export on its way. So a
//! `mod.rs` that only declares and re-exports its children uses no file, and no file uses it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens as _;

/// Steps of a path through re-exports, after which it is given up.
const MOST_STEPS: usize = 16;

/// A crate's files and their uses of each other.
pub(crate) struct Crate {
    /// Folder of the package, from the root of the repository.
    pub(crate) name: String,
    /// Files that each file uses, both from the root of the repository.
    pub(crate) edges: BTreeMap<String, BTreeSet<String>>,
    /// The module path of each file.
    modules: BTreeMap<String, Vec<String>>,
}

/// A name that a module imports: the path behind it.
struct Import {
    name: Option<String>,
    path: Vec<String>,
    is_reexport: bool,
}

#[derive(Default)]
struct Module {
    file: String,
    children: BTreeSet<String>,
    imports: Vec<Import>,
    /// Names of the items that it defines.
    items: BTreeSet<String>,
    /// Names and paths in its code, without its imports.
    names: BTreeSet<String>,
    paths: BTreeSet<Vec<String>>,
}

/// Every library and program with a source folder under `root`.
pub(crate) fn crates(root: &Path) -> Vec<Crate> {
    let mut found = Vec::new();
    for group in ["functions", "lib", "infra", "."] {
        let packages = if group == "." { vec![root.join("tests")] } else { folders(&root.join(group)) };
        for package in packages {
            let entries = ["lib.rs", "main.rs"].map(|entry| package.join("src").join(entry));
            found.extend(entries.iter().filter(|entry| entry.exists()).map(|entry| Crate::read(root, &package, entry)));
        }
    }
    assert!(found.len() > 10, "only {} crates have sources", found.len());
    found
}

fn folders(parent: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(parent).unwrap_or_else(|error| panic!("{}: {error}", parent.display()));
    let mut folders: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

impl Crate {
    /// The library of the package in a folder.
    pub(crate) fn of_package(root: &Path, package: &str) -> Self {
        let package = root.join(package);
        Self::read(root, &package, &package.join("src/lib.rs"))
    }

    fn read(root: &Path, package: &Path, entry: &Path) -> Self {
        let mut modules = BTreeMap::new();
        read_file(root, entry, Vec::new(), &mut modules);
        let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (path, module) in &modules {
            let used = edges.entry(module.file.clone()).or_default();
            used.extend(uses(&modules, path, module));
        }
        for (file, used) in &mut edges {
            used.remove(file);
        }
        let files = modules.iter().rev().map(|(path, module)| (module.file.clone(), path.clone())).collect();
        Self { name: relative(root, package), edges, modules: files }
    }

    /// Groups of files in which every file uses every other one, directly or indirectly.
    pub(crate) fn circles(&self) -> Vec<Vec<String>> {
        circles(&self.edges)
    }

    /// Groups of modules side by side in one folder that use each other in a circle, each with its
    /// folder.
    pub(crate) fn folder_circles(&self) -> Vec<(String, Vec<String>)> {
        let parents: BTreeSet<&[String]> = self.modules.values().filter_map(|path| path.split_last()).map(|(_, parent)| parent).collect();
        let mut found = Vec::new();
        for parent in parents {
            let child = |file: &String| {
                let path = self.modules.get(file)?;
                path.strip_prefix(parent)?.first().cloned()
            };
            let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for (file, used) in &self.edges {
                let Some(from) = child(file) else { continue };
                let to: Vec<String> = used.iter().filter_map(child).filter(|to| *to != from).collect();
                edges.entry(from).or_default().extend(to);
            }
            found.extend(circles(&edges).into_iter().map(|circle| (parent.join("/"), circle)));
        }
        found
    }
}

fn circles(edges: &BTreeMap<String, BTreeSet<String>>) -> Vec<Vec<String>> {
    let reached: BTreeMap<&String, BTreeSet<&String>> = edges.keys().map(|from| (from, reach(edges, from))).collect();
    let mut found: BTreeSet<Vec<String>> = BTreeSet::new();
    for (from, behind) in &reached {
        if behind.contains(*from) {
            let back = |other: &&&String| reached.get(**other).is_some_and(|reached| reached.contains(*from));
            found.insert(behind.iter().filter(back).map(|file| (*file).clone()).collect());
        }
    }
    found.into_iter().collect()
}

fn reach<'a>(edges: &'a BTreeMap<String, BTreeSet<String>>, from: &String) -> BTreeSet<&'a String> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&String> = edges.get(from).into_iter().flatten().collect();
    while let Some(file) = open.pop() {
        if reached.insert(file) {
            open.extend(edges.get(file).into_iter().flatten());
        }
    }
    reached
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

fn read_file(root: &Path, path: &Path, module: Vec<String>, into: &mut BTreeMap<Vec<String>, Module>) {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let is_folder = path.file_name().is_some_and(|name| name == "mod.rs" || name == "lib.rs" || name == "main.rs");
    let folder = if is_folder { path.parent().unwrap_or(path).to_owned() } else { path.with_extension("") };
    read_items(root, path, &folder, &parsed.items, module, into);
}

fn read_items(root: &Path, path: &Path, folder: &Path, items: &[syn::Item], at: Vec<String>, into: &mut BTreeMap<Vec<String>, Module>) {
    let mut module = Module { file: relative(root, path), ..Module::default() };
    for item in items.iter().filter(|item| !is_test(item)) {
        match item {
            syn::Item::Mod(child) => {
                let name = child.ident.to_string();
                let below = [at.clone(), vec![name.clone()]].concat();
                if let Some((_, items)) = &child.content {
                    read_items(root, path, &folder.join(&name), items, below, into);
                } else {
                    let file = [format!("{name}.rs"), format!("{name}/mod.rs")].map(|file| folder.join(file));
                    let file = file.iter().find(|file| file.exists()).unwrap_or_else(|| panic!("{}: mod {name}", path.display()));
                    read_file(root, file, below, into);
                }
                module.children.insert(name);
            }
            syn::Item::Use(import) => {
                let is_reexport = !matches!(import.vis, syn::Visibility::Inherited);
                flatten(&import.tree, &mut Vec::new(), is_reexport, &mut module.imports);
            }
            other => {
                module.items.extend(name_of(other));
                scan(other.to_token_stream(), &mut module);
            }
        }
    }
    into.insert(at, module);
}

fn is_test(item: &syn::Item) -> bool {
    let attributes = match item {
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        _ => return false,
    };
    attributes.iter().any(|attribute| attribute.to_token_stream().to_string().replace(' ', "") == "#[cfg(test)]")
}

fn name_of(item: &syn::Item) -> Option<String> {
    let ident = match item {
        syn::Item::Const(item) => &item.ident,
        syn::Item::Enum(item) => &item.ident,
        syn::Item::Fn(item) => &item.sig.ident,
        syn::Item::Static(item) => &item.ident,
        syn::Item::Struct(item) => &item.ident,
        syn::Item::Trait(item) => &item.ident,
        syn::Item::Type(item) => &item.ident,
        syn::Item::Macro(item) => return item.ident.as_ref().map(ToString::to_string),
        _ => return None,
    };
    Some(ident.to_string())
}

fn flatten(tree: &syn::UseTree, before: &mut Vec<String>, is_reexport: bool, into: &mut Vec<Import>) {
    let ending = |before: &[String], last: &str| {
        let mut path = before.to_vec();
        if last != "self" {
            path.push(last.to_owned());
        }
        path
    };
    match tree {
        syn::UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, is_reexport, into);
            before.pop();
        }
        syn::UseTree::Name(name) => {
            let path = ending(before, &name.ident.to_string());
            into.push(Import { name: path.last().cloned(), path, is_reexport });
        }
        syn::UseTree::Rename(rename) => {
            let path = ending(before, &rename.ident.to_string());
            into.push(Import { name: Some(rename.rename.to_string()), path, is_reexport });
        }
        syn::UseTree::Glob(_) => into.push(Import { name: None, path: before.clone(), is_reexport }),
        syn::UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, before, is_reexport, into)),
    }
}

/// Collects the names and paths of tokens, macros' too.
fn scan(tokens: TokenStream, module: &mut Module) {
    let mut path: Vec<String> = Vec::new();
    let (mut colons, mut is_member) = (0, false);
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => {
                let name = ident.to_string();
                if colons != 2 {
                    end(&mut path, module);
                }
                if !is_member {
                    path.push(name);
                }
                (colons, is_member) = (0, false);
            }
            TokenTree::Punct(mark) if mark.as_char() == ':' => {
                colons += 1;
                is_member = colons == 2 && path.is_empty();
            }
            TokenTree::Punct(mark) => {
                end(&mut path, module);
                (colons, is_member) = (0, mark.as_char() == '.');
            }
            TokenTree::Group(group) => {
                end(&mut path, module);
                (colons, is_member) = (0, false);
                scan(group.stream(), module);
            }
            TokenTree::Literal(_) => {
                end(&mut path, module);
                (colons, is_member) = (0, false);
            }
        }
    }
    end(&mut path, module);
}

fn end(path: &mut Vec<String>, module: &mut Module) {
    let path = std::mem::take(path);
    module.names.extend(path.first().cloned());
    if path.len() > 1 {
        module.paths.insert(path);
    }
}

/// Files that define what a module uses.
fn uses(modules: &BTreeMap<Vec<String>, Module>, at: &[String], module: &Module) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for import in &module.imports {
        let is_used = !import.is_reexport || import.name.as_ref().is_some_and(|name| module.names.contains(name));
        if let Some(found) = absolute(at, module, &import.path).filter(|_| is_used).and_then(|path| resolve(modules, &path, 0)) {
            // A module without items has no use; paths that begin with its name lead to the used
            // items.
            let is_module = found.1 && import.name.is_some();
            used.extend(Some(found.0).filter(|_| !is_module));
        }
    }
    for path in &module.paths {
        let Some(first) = path.first() else { continue };
        let import = module.imports.iter().find(|import| import.name.as_ref() == Some(first));
        let absolute = match import {
            Some(import) => absolute(at, module, &import.path).map(|path_of| [path_of, path[1..].to_vec()].concat()),
            None => absolute(at, module, path),
        };
        used.extend(absolute.and_then(|path| resolve(modules, &path, 0)).filter(|found| !found.1).map(|found| found.0));
    }
    used
}

/// A path from the crate's root; nothing for one that leads out of the crate.
fn absolute(at: &[String], module: &Module, path: &[String]) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    match first.as_str() {
        "crate" => Some(rest.to_vec()),
        "self" => Some([at, rest].concat()),
        "super" => {
            let ups = path.iter().take_while(|part| *part == "super").count();
            Some([at.get(..at.len().checked_sub(ups)?)?, &path[ups..]].concat())
        }
        name if module.children.contains(name) => Some([at, path].concat()),
        _ => None,
    }
}

/// The file that defines the item behind a path, and true if the path is that of a module.
fn resolve(modules: &BTreeMap<Vec<String>, Module>, path: &[String], steps: usize) -> Option<(String, bool)> {
    if steps > MOST_STEPS {
        return None;
    }
    let depth = (0..=path.len()).rev().find(|depth| modules.contains_key(&path[..*depth]))?;
    let (at, rest) = path.split_at(depth);
    let module = modules.get(at)?;
    let Some(name) = rest.first() else { return Some((module.file.clone(), true)) };
    if module.items.contains(name) {
        return Some((module.file.clone(), false));
    }
    if let Some(import) = module.imports.iter().find(|import| import.name.as_ref() == Some(name)) {
        let target = absolute(at, module, &import.path)?;
        return resolve(modules, &[target, rest[1..].to_vec()].concat(), steps + 1);
    }
    for import in module.imports.iter().filter(|import| import.name.is_none()) {
        let Some(target) = absolute(at, module, &import.path) else { continue };
        if let Some(found) = resolve(modules, &[target, rest.to_vec()].concat(), steps + 1).filter(|found| !found.1) {
            return Some(found);
        }
    }
    // Made by a macro in the module.
    Some((module.file.clone(), false))
}
