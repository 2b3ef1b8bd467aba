//! Products from a file: reading it, the order of its rows, and what they make.

use std::collections::HashMap;

use proptest::prelude::*;
use stevedore_domain::import::{Format, Known, Line, batches, read};
use stevedore_domain::reason::Reason;
use stevedore_domain::reference::{Product, ProductKind};

fn csv(text: &str) -> Vec<Line> {
    read(Format::Csv, text.as_bytes()).unwrap()
}

/// The line, field and code of each refused row.
fn refused(lines: &[Line]) -> Vec<(u64, Option<&str>, &str)> {
    let fault = |line: &'_ Line| line.row.as_ref().err().map(|fault| (line.number, fault.field.clone(), fault.code));
    let faults: Vec<_> = lines.iter().filter_map(fault).collect();
    faults.into_iter().map(|(line, field, code)| (line, field.map(|field| &*field.leak()), code)).collect()
}

fn file_faults(format: Format, bytes: &[u8]) -> Vec<(String, &'static str)> {
    read(format, bytes).unwrap_err().into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

#[test]
fn csv_as_programs_write_it_is_read() {
    let text = "\u{feff}SKU, Name ,price_1,price_10,aliases,components\r\n\
        A,\"Mug, \"\"large\"\"\",12.340,,old-a; older ,\r\n\
        \r\n\
        \"B\",\"two\n lines\",1e2,0.005,,A:2;C:D:3\r\n\
        C:D,Last,,,,";
    let lines = csv(text);
    assert_eq!(lines.iter().map(|line| line.number).collect::<Vec<_>>(), [2, 4, 6]);
    let a = lines[0].row.as_ref().unwrap();
    assert_eq!((a.sku.as_str(), a.name.as_deref()), ("A", Some("Mug, \"large\"")));
    assert_eq!(a.aliases.as_deref(), Some(["old-a".to_owned(), "older".to_owned()].as_slice()));
    assert_eq!((a.price[&1].unwrap().to_string().as_str(), a.price[&10]), ("12.340", None));
    assert_eq!((a.kind, &a.supplier, a.components.as_ref().map(Vec::len)), (None, &None, Some(0)));
    // A line feed inside a name is a control character; the row behind it is where it is.
    assert_eq!(refused(&lines), [(4, Some("name"), "control_character")]);
    assert_eq!(lines[2].sku.as_deref(), Some("C:D"));
}

#[test]
fn a_file_that_cannot_be_read_as_a_whole_is_refused_with_its_line() {
    let one = |pointer: &str, code: &'static str| vec![(pointer.to_owned(), code)];
    for (text, expected) in [
        (&b"sku,name\nA,caf\xe9\n"[..], one("/2", "not_utf8")),
        (b"sku,colour\nA,red\n", one("/1/colour", "unknown_column")),
        (b"sku,price_11\nA,1\n", one("/1/price_11", "unknown_column")),
        (b"sku,name,SKU\nA,x,B\n", one("/1/sku", "repeated_column")),
        (b"name\nA\n", one("/1", "no_header")),
        (
            b"A,Mug\nB,Cup\n",
            vec![("/1/a".to_owned(), "unknown_column"), ("/1/mug".to_owned(), "unknown_column"), ("/1".to_owned(), "no_header")],
        ),
        (b"", one("/1", "no_header")),
        (b"sku,name\n", one("/1", "no_rows")),
        (b"sku,name\nA,x\nB,\"never closed\nC,y\n", one("/3", "broken_quotes")),
        (b"sku,name\nA,x\nB,\"closed\" and on\nC,y\n", one("/3", "broken_quotes")),
    ] {
        assert_eq!(file_faults(Format::Csv, text), expected, "{}", String::from_utf8_lossy(text));
    }
    assert_eq!(file_faults(Format::JsonLines, b"\n \n"), one("/1", "no_rows"));
    let skus: Vec<String> = (0..20_001).map(|number| format!("S{number}")).collect();
    let many = format!("sku\n{}\n", skus.join("\n"));
    assert_eq!(file_faults(Format::Csv, many.as_bytes()), one("/1", "too_many"));
}

#[test]
fn what_is_wrong_with_a_row_costs_that_row() {
    let lines = csv("sku,name,kind,aliases,components,price_1\n\
        A,Mug,stock,,,1\n\
        ,Nameless,stock,,,1\n\
        B,,stock,,,1\n\
        C,Cup,thing,,,1\n\
        D,Cup,kit,,A,1\n\
        E,Cup,kit,,A:many,1\n\
        F,Cup,stock,,,dear\n\
        G,Cup,stock\n\
        H,Cup,stock,,,1\n\
        H,Cup,stock,,,2\n\
        I,12\" pipe,,,,\n");
    assert_eq!(
        refused(&lines),
        [
            (3, Some("sku"), "blank"),
            (4, Some("name"), "blank"),
            (5, Some("kind"), "not_one_of"),
            (6, Some("components"), "wrong_type"),
            (7, Some("components"), "wrong_type"),
            (8, Some("price_1"), "wrong_type"),
            (9, None, "wrong_field_count"),
            (10, Some("sku"), "repeated"),
            (11, Some("sku"), "repeated"),
        ]
    );
    let fault = lines[8].row.as_ref().unwrap_err();
    assert_eq!((fault.reason(), fault.message.as_str()), (Reason::RowRepeated, "This SKU stands in the lines 10, 11. Keep one of them."));
    assert_eq!(lines[10].row.as_ref().unwrap().name.as_deref(), Some("12\" pipe"));
}

#[test]
fn json_lines_say_the_same() {
    let text = concat!(
        "{\"sku\": \"A\", \"name\": \"Mug\", \"prices\": {\"1\": \"12.340\", \"10\": 0.1}}\r\n\n",
        "{\"sku\": \"B\", \"name\": \"Set\", \"kind\": \"kit\", \"components\": [{\"sku\": \"A\", \"quantity\": 2}], \"aliases\": [\"b\"]}\n",
        "{\"sku\": \"C\", \"supplier\": null, \"aliases\": null, \"kind\": null}\n",
        "{\"sku\": \"D\", \"colour\": \"red\"}\n{\"sku\": \"E\", \"sku\": \"F\"}\nnot json\n[]\n{\"name\": \"x\"}\n",
        "{\"sku\": \"G\", \"components\": [{\"sku\": \"A\", \"quantity\": 1.5}]}\n{\"sku\": \"H\", \"prices\": {\"0\": 1}}\n{\"sku\": 7}\n",
        "{\"sku\": \"I\", \"name\": null}",
    );
    let lines = read(Format::JsonLines, text.as_bytes()).unwrap();
    let a = lines[0].row.as_ref().unwrap();
    let prices = a.prices.as_ref().unwrap();
    assert_eq!((prices[&1].to_string().as_str(), prices[&10].to_string().as_str()), ("12.340", "0.1"));
    let b = lines[1].row.as_ref().unwrap();
    assert_eq!((b.kind, b.components.as_ref().unwrap()[0].quantity), (Some(ProductKind::Kit), 2));
    let c = lines[2].row.as_ref().unwrap();
    assert_eq!((&c.name, &c.supplier, c.aliases.as_deref(), c.kind), (&None, &Some(None), Some([].as_slice()), Some(ProductKind::Stock)));
    assert_eq!(
        refused(&lines),
        [
            (5, None, "malformed_json"),
            (6, None, "malformed_json"),
            (7, None, "malformed_json"),
            (8, None, "malformed_json"),
            (9, Some("sku"), "required"),
            (10, Some("components"), "wrong_type"),
            (11, Some("price_0"), "unknown_tier"),
            (12, Some("sku"), "wrong_type"),
            (13, Some("name"), "wrong_type"),
        ]
    );
}

/// Columns that a row leaves out stay, those that it leaves empty go.
#[test]
fn a_row_changes_what_it_speaks_of() {
    let at = "2026-01-31T10:00:00Z".parse().unwrap();
    let known = Product {
        aliases: vec!["old".to_owned()],
        kind: ProductKind::DropShip,
        supplier: Some("Acme".to_owned()),
        prices: [(1, "5".parse().unwrap()), (2, "6".parse().unwrap())].into(),
        ..Product::new("p", "A", "Mug", at)
    };
    let apply = |text: &str| csv(text)[0].row.clone().unwrap().applied(Some(&known), "new".into(), at, &Known::default());
    assert_eq!(apply("sku\nA\n").unwrap(), known);
    let changed = apply("sku,price_1,price_2,aliases\nA,,7,\n").unwrap();
    assert_eq!((changed.prices.len(), changed.prices[&2].to_string(), changed.aliases.len()), (1, "7".to_owned(), 0));
    assert_eq!((changed.id.as_str(), changed.supplier.as_deref()), ("p", Some("Acme")));
    let fault = apply("sku,supplier\nA,\n").unwrap_err();
    assert_eq!((fault.field.as_deref(), fault.code), (Some("supplier"), "required"));
    let fault = csv("sku\nB\n")[0].row.clone().unwrap().applied(None, "new".into(), at, &Known::default()).unwrap_err();
    assert_eq!((fault.field.as_deref(), fault.code), (Some("name"), "required"));
    let fault = apply("sku,revenue_account\nA,Sales\n").unwrap_err();
    assert_eq!(fault.reason(), Reason::RowUnknownReference);
    let kit = |components: &str| {
        let known = Known { products: HashMap::from([("B".to_owned(), "b".into())]), ..Known::default() };
        csv(&format!("sku,name,kind,components\nK,Kit,kit,{components}\n"))[0].row.clone().unwrap().applied(None, "k".into(), at, &known)
    };
    assert_eq!(kit("B:2").unwrap().components[0].product_id.as_str(), "b");
    for (components, code) in
        [("B:0", "out_of_range"), ("C:1", "unknown_reference"), ("K:1", "itself"), ("B:1;B:1", "repeated"), ("", "required")]
    {
        let fault = kit(components).unwrap_err();
        assert_eq!((fault.field.as_deref(), fault.code), (Some("components"), code), "{components}");
    }
    assert_eq!(kit("B:0").unwrap_err().message, "Component `B`: 1 to 1000000 are taken.");
}

proptest! {
    /// Every line is in one batch, its components in earlier ones; what lies on or above a circle is refused.
    #[test]
    fn components_come_first_wherever_they_stand(parts in prop::collection::vec(prop::collection::vec(0..12_usize, 0..3), 12), most in 1..5_usize) {
        let row = |(number, parts): (usize, &Vec<usize>)| {
            let parts: Vec<String> = parts.iter().map(|part| format!("P{part}:1")).collect();
            format!("P{number},x,{}\n", parts.join(";"))
        };
        let text: String = parts.iter().enumerate().map(row).collect();
        let mut lines = csv(&format!("sku,name,components\n{text}"));
        let batches = batches(&mut lines, most);
        let mut place = vec![None; lines.len()];
        for (number, batch) in batches.iter().enumerate() {
            prop_assert!(batch.lines.len() <= most && !batch.lines.is_empty());
            for line in &batch.lines {
                prop_assert!(place[*line].replace(number).is_none());
            }
        }
        prop_assert!(place.iter().all(Option::is_some));
        for (number, parts) in parts.iter().enumerate() {
            let fine = lines[number].row.is_ok();
            let on_a_circle = !fine;
            for part in parts {
                if fine {
                    prop_assert!(lines[*part].row.is_ok() && place[*part] < place[number]);
                }
            }
            // One is refused only for a component that is.
            prop_assert!(!on_a_circle || parts.iter().any(|part| lines[*part].row.is_err()));
        }
    }
}
