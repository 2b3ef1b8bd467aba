//! The functions of a package's source, each as a flat list of tokens.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;

/// A token: an identifier or a sign. Literals are left out, with a mark in their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Name(String),
    Sign(char),
    Literal,
}

impl Token {
    pub(super) fn name(&self) -> Option<&str> {
        if let Self::Name(name) = self { Some(name) } else { None }
    }

    pub(super) fn is(&self, sign: char) -> bool {
        *self == Self::Sign(sign)
    }
}

/// One function.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) package: String,
    /// Index of its file.
    pub(super) file: usize,
    /// The type of the method.
    pub(super) owner: Option<String>,
    pub(super) name: String,
    pub(super) signature: Vec<Token>,
    pub(super) body: Vec<Token>,
}

/// One file.
#[derive(Debug)]
pub(super) struct File {
    /// Its path, from its package's `src` on.
    pub(super) path: String,
    /// The names of its modules, its own included.
    pub(super) modules: BTreeSet<String>,
    /// All its identifiers.
    pub(super) words: BTreeSet<String>,
    /// All identifiers of its `use` items.
    pub(super) imported: BTreeSet<String>,
}

/// The source of all packages that were read.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) files: Vec<File>,
    pub(super) functions: Vec<Function>,
    /// The types of the fields and parameters with a name.
    pub(super) types: BTreeMap<String, BTreeSet<String>>,
    /// Every identifier of a package.
    pub(super) words: BTreeMap<String, BTreeSet<String>>,
}

impl File {
    fn new(path: &Path, words: &[Token], items: &[syn::Item]) -> Self {
        let names = |tokens: &[Token]| tokens.iter().filter_map(|token| token.name().map(str::to_owned)).collect::<BTreeSet<_>>();
        let parts = path.with_extension("");
        let parts: Vec<_> = parts.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let root = parts.iter().rposition(|part| part == "src").unwrap();
        let mut imported = BTreeSet::new();
        imports(items, &mut imported);
        let path = format!("{}.rs", parts[root + 1..].join("/"));
        Self { path, modules: parts[root + 1..].iter().cloned().collect(), words: names(words), imported }
    }

    /// True if a file's `use` items import the name, or everything of some module.
    pub(super) fn imports(&self, name: &str) -> bool {
        self.imported.contains(name) || self.imported.contains("*")
    }
}

/// The identifiers of the `use` items, and `*` where one takes everything of a module.
fn imports(items: &[syn::Item], found: &mut BTreeSet<String>) {
    for item in items {
        if let syn::Item::Use(item) = item {
            for token in flat(item.tree.to_token_stream()) {
                match token {
                    Token::Name(name) => found.insert(name),
                    Token::Sign('*') => found.insert("*".to_owned()),
                    _ => false,
                };
            }
        }
    }
}

impl Source {
    /// Reads every file of a package that is compiled into it, without its tests.
    pub(super) fn read(&mut self, package: &str, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.read(package, &path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && path.file_stem().unwrap() != "tests" {
                let file =
                    syn::parse_file(&std::fs::read_to_string(&path).unwrap()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let words = flat(file.to_token_stream());
                self.files.push(File::new(&path, &words, &file.items));
                self.words.entry(package.to_owned()).or_default().extend(words.iter().filter_map(|word| word.name().map(str::to_owned)));
                self.items(package, &file.items);
            }
        }
    }

    fn items(&mut self, package: &str, items: &[syn::Item]) {
        for item in items {
            match item {
                syn::Item::Fn(function) if !is_test(&function.attrs) => {
                    self.function(package, None, &function.sig, function.block.to_token_stream());
                }
                syn::Item::Mod(module) if !is_test(&module.attrs) => {
                    self.items(package, module.content.as_ref().map(|(_, items)| items.as_slice()).unwrap_or_default());
                }
                syn::Item::Impl(implementation) if !is_test(&implementation.attrs) => {
                    let owner = type_name(&flat(implementation.self_ty.to_token_stream()));
                    for item in &implementation.items {
                        if let syn::ImplItem::Fn(function) = item {
                            self.function(package, owner.clone(), &function.sig, function.block.to_token_stream());
                        }
                    }
                }
                syn::Item::Trait(item) => {
                    for part in &item.items {
                        if let syn::TraitItem::Fn(function) = part
                            && let Some(block) = &function.default
                        {
                            self.function(package, Some(item.ident.to_string()), &function.sig, block.to_token_stream());
                        }
                    }
                }
                syn::Item::Struct(item) => {
                    for field in &item.fields {
                        if let Some(name) = &field.ident {
                            self.typed(&name.to_string(), &flat(field.ty.to_token_stream()));
                        }
                    }
                }
                // Statics, constants and macros can also contain calls.
                syn::Item::Static(item) => self.loose(package, &item.ident, item.expr.to_token_stream()),
                syn::Item::Const(item) => self.loose(package, &item.ident, item.expr.to_token_stream()),
                syn::Item::Macro(item) => {
                    let name = item.ident.clone().unwrap_or_else(|| syn::Ident::new("a_macro", proc_macro2::Span::call_site()));
                    self.loose(package, &name, item.mac.tokens.clone());
                }
                _ => {}
            }
        }
    }

    fn loose(&mut self, package: &str, name: &syn::Ident, tokens: TokenStream) {
        let body = flat(tokens);
        let (package, file) = (package.to_owned(), self.files.len().saturating_sub(1));
        self.functions.push(Function { package, file, owner: None, name: name.to_string(), signature: Vec::new(), body });
    }

    fn function(&mut self, package: &str, owner: Option<String>, signature: &syn::Signature, body: TokenStream) {
        for input in &signature.inputs {
            if let syn::FnArg::Typed(input) = input
                && let Some(name) = flat(input.pat.to_token_stream()).iter().rev().find_map(|token| token.name().map(str::to_owned))
            {
                self.typed(&name, &flat(input.ty.to_token_stream()));
            }
        }
        let (name, signature) = (signature.ident.to_string(), flat(signature.to_token_stream()));
        let (package, file) = (package.to_owned(), self.files.len().saturating_sub(1));
        self.functions.push(Function { package, file, owner, name, signature, body: flat(body) });
    }

    fn typed(&mut self, name: &str, tokens: &[Token]) {
        let names = tokens.iter().filter_map(Token::name).filter(|name| name.starts_with(char::is_uppercase));
        self.types.entry(name.to_owned()).or_default().extend(names.map(str::to_owned));
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let tokens = flat(attribute.to_token_stream());
        tokens.iter().any(|token| token.name() == Some("test"))
    })
}

/// The name of a type without its path and parameters.
fn type_name(tokens: &[Token]) -> Option<String> {
    let end = tokens.iter().position(|token| token.is('<')).unwrap_or(tokens.len());
    tokens[..end].iter().rev().find_map(|token| token.name().map(str::to_owned))
}

/// The tokens in sequence, including those of macros' arguments.
pub(super) fn flat(stream: TokenStream) -> Vec<Token> {
    let mut tokens = Vec::new();
    flatten(stream, &mut tokens);
    tokens
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    for tree in stream {
        match tree {
            TokenTree::Ident(name) => tokens.push(Token::Name(name.to_string())),
            TokenTree::Punct(sign) => tokens.push(Token::Sign(sign.as_char())),
            TokenTree::Literal(_) => tokens.push(Token::Literal),
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ('(', ')'),
                    Delimiter::Brace => ('{', '}'),
                    Delimiter::Bracket => ('[', ']'),
                    Delimiter::None => (' ', ' '),
                };
                tokens.push(Token::Sign(open));
                flatten(group.stream(), tokens);
                tokens.push(Token::Sign(close));
            }
        }
    }
}
