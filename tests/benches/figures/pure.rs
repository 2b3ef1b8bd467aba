//! The pure computation in instructions: the orders of a page are read, digested, classified and
//! booked.

use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use stevedore_domain::ids::SaleId;
use stevedore_domain::log::{Decision, Trigger, classify};
use stevedore_domain::reference::{Location, TaxComponent, TaxRule};
use stevedore_domain::sale::{Booking, CustomerMatches, Products, book};
use stevedore_domain::settings::{InvoiceMode, PickPackShip, Settings};
use stevedore_shipstation::parse_order;

use crate::counting::Counter;
use crate::flow;
use crate::world::{BANK, LOCATION, REVENUE, START, TAX_RULE};

/// Orders of a page.
pub const PAGE: usize = 500;

/// A page of 500 two-line orders as ShipStation would send it.
pub async fn page() -> String {
    let world = flow::world(flow::options(PAGE, &Counter::default())).await;
    let orders: Vec<String> = world.sandbox.orders().into_iter().map(|order| order.text.to_string()).collect();
    format!(r#"{{"orders":[{}],"total":{PAGE},"page":1,"pages":1}}"#, orders.join(","))
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    orders: Vec<&'a RawValue>,
}

/// Inputs of every order.
struct Given {
    settings: Settings,
    rule: TaxRule,
    locations: Vec<Location>,
    customers: CustomerMatches,
    products: Products,
    now: Timestamp,
}

impl Given {
    /// Input for the measurement `what`. Either every buyer is linked to a customer and every
    /// product is known, or neither, so that each order brings a new customer and service lines.
    fn new(what: &str, orders: &[&RawValue]) -> Self {
        let known = what != NEW;
        let now: Timestamp = START.parse().unwrap();
        let mut settings = Settings::default();
        settings.location_map.default = Some(LOCATION.into());
        settings.tax.default_rule = Some(TAX_RULE.into());
        settings.payment.account = Some(BANK.into());
        settings.revenue_account = Some(REVENUE.into());
        let components = vec![TaxComponent { name: "State".into(), percent: "7.25".parse().unwrap(), account: None }];
        let customer = Arc::new(flow::walk_in(now));
        let mut products = Products::default();
        if known {
            let read = |raw: &&RawValue| parse_order(raw.get(), Some(now)).unwrap().order;
            for product in flow::products(orders.iter().map(read), now) {
                products.add(Arc::new(product));
            }
        }
        let mut locations = vec![at(LOCATION, None, now)];
        if what == ROUTED {
            settings.order_routing = true;
            locations = WAREHOUSES.iter().map(|zip| at(zip, Some(zip), now)).chain(locations).collect();
        }
        if what == FULFILLED {
            settings.pick_pack_ship = PickPackShip::PickPackShip;
            settings.invoice_status = InvoiceMode::Authorised;
        }
        Self {
            settings,
            rule: TaxRule {
                id: TAX_RULE.into(),
                name: "Sales tax".into(),
                components,
                place: None,
                addresses: Vec::new(),
                created_at: now,
            },
            locations,
            customers: CustomerMatches {
                linked: known.then(|| Arc::clone(&customer)),
                from_settings: Some(customer),
                ..CustomerMatches::default()
            },
            products,
            now,
        }
    }

    /// Orders' texts → sales. Never inlined, so that the profiler shows it.
    #[inline(never)]
    fn sales(&self, orders: &[&RawValue]) -> usize {
        let mut booked = 0;
        for raw in orders {
            // As in the queue's message.
            let revision = parse_order(raw.get(), Some(self.now)).unwrap();
            assert_eq!(classify(&revision, &self.settings, None, Trigger::Schedule), Decision::Capture);
            let id = SaleId::of_order(revision.order.id, 1);
            let booking = Booking {
                settings: &self.settings,
                customers: &self.customers,
                products: &self.products,
                levels: &stevedore_domain::stock::Levels::default(),
                tax_rules: std::slice::from_ref(&self.rule),
                locations: &self.locations,
                store_name: Some("Web shop"),
                sale_id: &id,
                booked_at: self.now,
            };
            booked += usize::from(black_box(book(&revision, booking)).is_ok());
        }
        booked
    }
}

/// Part that runs under the profiler.
pub fn profiled(page: &str, what: &str, rounds: usize) {
    let text = std::fs::read_to_string(page).unwrap();
    let page: Page<'_> = serde_json::from_str(&text).unwrap();
    let given = Given::new(what, &page.orders);
    for _ in 0..rounds {
        assert_eq!(given.sales(&page.orders), page.orders.len(), "every order is booked");
    }
}

const KNOWN: &str = "known";
const NEW: &str = "new";
const ROUTED: &str = "routed";
const FULFILLED: &str = "fulfilled";

/// Ten warehouses across the country.
const WAREHOUSES: [&str; 10] = ["89502", "07102", "60607", "75201", "30303", "98101", "80202", "33101", "64105", "43215"];

fn at(id: &str, zip: Option<&str>, now: Timestamp) -> Location {
    let address = stevedore_domain::address::Address { postal_code: zip.map(str::to_owned), ..Default::default() };
    Location { id: id.into(), name: id.into(), address, priority: 0, active: true, created_at: now }
}

/// Measurements.
pub struct Pure {
    /// Bytes of an order's text, on average.
    pub bytes: usize,
    /// Instructions for each order of known buyers and products; `None` without the profiler.
    pub known: Option<u64>,
    /// The same, if each order brings a new customer and unknown products.
    pub new: Option<u64>,
    /// The same as known, with each order picked, packed and shipped and its invoice authorized.
    pub fulfilled: Option<u64>,
    /// Instructions that order routing over ten warehouses adds to each order.
    pub routing: Option<u64>,
}

/// Counts the instructions of two rounds minus those of one, so that the start and one-time work
/// cancel out.
pub fn measure(page: &str) -> Pure {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page.json");
    std::fs::write(&path, page).unwrap();
    let instructions = |what: &str| {
        let rounds = [1, 2].map(|rounds| callgrind(&path, what, rounds, &folder.path().join("callgrind.out")));
        let [Some(one), Some(two)] = rounds else { return None };
        Some((two - one) / u64::try_from(PAGE).unwrap())
    };
    let known = instructions(KNOWN);
    let routing = instructions(ROUTED).zip(known).map(|(routed, known)| routed.saturating_sub(known));
    Pure { bytes: page.len() / PAGE, known, new: instructions(NEW), fulfilled: instructions(FULFILLED), routing }
}

fn callgrind(page: &Path, what: &str, rounds: usize, out: &Path) -> Option<u64> {
    let mut command = Command::new("valgrind");
    command.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", out.display()));
    command.arg(std::env::current_exe().unwrap()).args(["pure", page.to_str().unwrap(), what, &rounds.to_string()]);
    let output = command.output().ok()?;
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    text.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}
