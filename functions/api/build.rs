//! Writes down what each operation of the checked-in OpenAPI document asks of its callers, so that the program need not read the document when it starts.
//!
//! A test holds the document against the routes (`functions/api/tests/api/contract.rs`), so the two cannot differ.
#![allow(clippy::disallowed_methods, reason = "Cargo hands its folders over as variables")]

use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use serde_json::{Map, Value};

fn main() -> Result<(), Box<dyn Error>> {
    let document = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../docs/openapi.json");
    println!("cargo::rerun-if-changed={}", document.display());
    let document: Value = serde_json::from_str(&fs::read_to_string(document)?)?;
    let mut table = String::from("&[\n");
    for (path, item) in members(document.get("paths")) {
        for (method, operation) in members(Some(item)) {
            let name = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
            let security = operation.get("security").unwrap_or(&Value::Null).to_string();
            writeln!(table, "({path:?}, {:?}, {name:?}, {security:?}),", method.to_ascii_uppercase())?;
        }
    }
    table.push_str("]\n");
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("operations.rs"), table)?;
    Ok(())
}

fn members(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flat_map(Map::iter)
}
