//! Takes Amazon's roots out of their PEM text, so that no function decodes them when it starts.
#![allow(clippy::disallowed_methods, reason = "Cargo hands its folders over as variables")]

use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=src/sdk/amazon-roots.pem");
    let text = fs::read_to_string("src/sdk/amazon-roots.pem")?;
    let mut list = String::from("&[\n");
    for certificate in text.split("-----BEGIN CERTIFICATE-----").skip(1) {
        let (body, _) = certificate.split_once("-----END CERTIFICATE-----").ok_or("a certificate has no end")?;
        let der = STANDARD.decode(body.split_whitespace().collect::<String>())?;
        writeln!(list, "&{der:?},")?;
    }
    list.push_str("]\n");
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("amazon_roots.rs"), list)?;
    Ok(())
}
