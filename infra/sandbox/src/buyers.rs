//! Homes and names of generated buyers. The people, streets and companies are invented; city, state
//! and ZIP belong together.

use rust_decimal::Decimal;

use crate::address::Address;
use crate::rng::Rng;

/// City, state, a ZIP code of that city.
const US_CITIES: [(&str, &str, &str); 64] = [
    ("Anchorage", "AK", "99501"),
    ("Birmingham", "AL", "35203"),
    ("Huntsville", "AL", "35801"),
    ("Little Rock", "AR", "72201"),
    ("Phoenix", "AZ", "85004"),
    ("Tucson", "AZ", "85701"),
    ("Los Angeles", "CA", "90012"),
    ("San Diego", "CA", "92101"),
    ("San Francisco", "CA", "94103"),
    ("Sacramento", "CA", "95814"),
    ("Fresno", "CA", "93721"),
    ("Denver", "CO", "80202"),
    ("Boulder", "CO", "80302"),
    ("Hartford", "CT", "06103"),
    ("Washington", "DC", "20001"),
    ("Wilmington", "DE", "19801"),
    ("Miami", "FL", "33130"),
    ("Orlando", "FL", "32801"),
    ("Tampa", "FL", "33602"),
    ("Atlanta", "GA", "30303"),
    ("Savannah", "GA", "31401"),
    ("Honolulu", "HI", "96813"),
    ("Des Moines", "IA", "50309"),
    ("Boise", "ID", "83702"),
    ("Chicago", "IL", "60601"),
    ("Springfield", "IL", "62701"),
    ("Indianapolis", "IN", "46204"),
    ("Wichita", "KS", "67202"),
    ("Louisville", "KY", "40202"),
    ("New Orleans", "LA", "70112"),
    ("Boston", "MA", "02108"),
    ("Worcester", "MA", "01608"),
    ("Baltimore", "MD", "21201"),
    ("Portland", "ME", "04101"),
    ("Detroit", "MI", "48226"),
    ("Grand Rapids", "MI", "49503"),
    ("Minneapolis", "MN", "55401"),
    ("Kansas City", "MO", "64106"),
    ("St. Louis", "MO", "63101"),
    ("Jackson", "MS", "39201"),
    ("Billings", "MT", "59101"),
    ("Charlotte", "NC", "28202"),
    ("Raleigh", "NC", "27601"),
    ("Fargo", "ND", "58102"),
    ("Omaha", "NE", "68102"),
    ("Manchester", "NH", "03101"),
    ("Newark", "NJ", "07102"),
    ("Albuquerque", "NM", "87102"),
    ("Las Vegas", "NV", "89101"),
    ("New York", "NY", "10001"),
    ("Buffalo", "NY", "14202"),
    ("Columbus", "OH", "43215"),
    ("Cleveland", "OH", "44113"),
    ("Oklahoma City", "OK", "73102"),
    ("Portland", "OR", "97204"),
    ("Philadelphia", "PA", "19103"),
    ("Providence", "RI", "02903"),
    ("Nashville", "TN", "37203"),
    ("Austin", "TX", "78701"),
    ("Houston", "TX", "77002"),
    ("Salt Lake City", "UT", "84101"),
    ("Richmond", "VA", "23219"),
    ("Seattle", "WA", "98101"),
    ("Milwaukee", "WI", "53202"),
];
/// City, state or province, postal code, country.
const ABROAD: [(&str, &str, &str, &str); 6] = [
    ("Toronto", "ON", "M5H 2N2", "CA"),
    ("Vancouver", "BC", "V6B 1A1", "CA"),
    ("London", "", "SW1A 1AA", "GB"),
    ("Berlin", "BE", "10115", "DE"),
    ("Sydney", "NSW", "2000", "AU"),
    ("Dublin", "", "D02 X285", "IE"),
];
const FIRST_NAMES: [&str; 24] = [
    "Avery", "Bianca", "Cato", "Delphine", "Emeka", "Freya", "Gideon", "Hana", "Isidro", "Jolene", "Kwame", "Linnea", "Mateo", "Nadia",
    "Orla", "Priya", "Quentin", "Rosalind", "Søren", "Tamsin", "Ulises", "Vera", "Wren", "Zoltán",
];
const LAST_NAMES: [&str; 24] = [
    "Abernathy",
    "Brightwater",
    "Castellan",
    "Dunmore",
    "Eastlake",
    "Fairweather",
    "Goldsborough",
    "Hollingway",
    "Ironwood",
    "Jasperson",
    "Kestrel",
    "Lindqvist",
    "Marchetti",
    "Nightingale",
    "O'Farrow",
    "Pemberton",
    "Quillfeather",
    "Ravenscroft",
    "Stonebridge",
    "Thistlewood",
    "Underhill",
    "Vandermeer",
    "Whitlock",
    "Yarrow",
];
const STREETS: [&str; 12] = [
    "Juniper Way",
    "Mill Race",
    "Foundry Lane",
    "Harbor Street",
    "Old Quarry Road",
    "Larkspur Avenue",
    "Canal Street",
    "Switchback Road",
    "Orchard Terrace",
    "Beacon Hill",
    "Saltmarsh Drive",
    "Cooper Row",
];

/// A buyer who may order again: number `who` of the seed's population is always the same person at
/// the same place.
pub(crate) struct Buyer {
    pub(crate) customer_id: i64,
    pub(crate) email: String,
    pub(crate) address: Address,
}

pub(crate) fn buyer(seed: u64, who: u64) -> Buyer {
    let mut rng = Rng::new(seed.wrapping_add(who), 31);
    let (first, last) = (*rng.pick(&FIRST_NAMES), *rng.pick(&LAST_NAMES));
    let ascii = |name: &str| name.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_lowercase();
    let (city, state, postal_code, country) = if rng.per_mille(40) {
        *rng.pick(&ABROAD)
    } else {
        let (city, state, zip) = *rng.pick(&US_CITIES);
        (city, state, zip, "US")
    };
    // Some addresses carry the four further digits of ZIP+4.
    let plus_four = (country == "US" && rng.per_mille(150)).then(|| format!("-{:04}", rng.between(1, 9999)));
    let address = Address {
        name: Some(format!("{first} {last}")),
        company: rng.per_mille(120).then(|| format!("{last} Trading Co.")),
        street1: Some(format!("{} {}", rng.between(1, 2400), rng.pick(&STREETS))),
        street2: rng.per_mille(200).then(|| format!("Apt {}", rng.between(1, 60))),
        city: Some(city.to_owned()),
        state: Some(state.to_owned()),
        postal_code: Some(format!("{postal_code}{}", plus_four.unwrap_or_default())),
        country: Some(country.to_owned()),
        phone: rng.per_mille(600).then(|| format!("555-01{:02}", rng.between(0, 99))),
        residential: Some(rng.per_mille(800)),
        verified: Some(*rng.pick(&[
            "Address validated successfully",
            "Address validated successfully",
            "Address not yet validated",
            "Address validation warning",
        ])),
    };
    let email = format!("{}.{}{}@example.com", ascii(first), ascii(last), who);
    Buyer { customer_id: 91_000_000 + i64::try_from(who).unwrap_or(0), email, address }
}

/// A realistic sales tax rate for a destination: by state, none in some states and abroad. It
/// states no tax law.
pub(crate) fn sales_tax(address: &Address) -> Decimal {
    if address.country.as_deref() != Some("US") {
        return Decimal::ZERO;
    }
    let per_hundred_thousand = match address.state.as_deref() {
        Some("AK" | "DE" | "MT" | "NH" | "OR") => 0,
        Some("CA" | "WA" | "LA" | "TN") => 9_125,
        Some("NY" | "NV" | "TX" | "IL" | "AZ") => 8_375,
        Some("CO" | "HI" | "ME" | "VA") => 5_300,
        _ => 6_625,
    };
    Decimal::new(per_hundred_thousand, 5)
}

/// The two-letter code of a country as the Online Retail data set names it.
pub(crate) fn country_code(name: &str) -> Option<&'static str> {
    Some(match name {
        "United Kingdom" | "Channel Islands" => "GB",
        "EIRE" | "Ireland" => "IE",
        "Australia" => "AU",
        "Austria" => "AT",
        "Bahrain" => "BH",
        "Belgium" => "BE",
        "Brazil" => "BR",
        "Canada" => "CA",
        "Cyprus" => "CY",
        "Czech Republic" => "CZ",
        "Denmark" => "DK",
        "Finland" => "FI",
        "France" => "FR",
        "Germany" => "DE",
        "Greece" => "GR",
        "Hong Kong" => "HK",
        "Iceland" => "IS",
        "Israel" => "IL",
        "Italy" => "IT",
        "Japan" => "JP",
        "Lebanon" => "LB",
        "Lithuania" => "LT",
        "Malta" => "MT",
        "Netherlands" => "NL",
        "Norway" => "NO",
        "Poland" => "PL",
        "Portugal" => "PT",
        "RSA" | "South Africa" => "ZA",
        "Saudi Arabia" => "SA",
        "Singapore" => "SG",
        "Spain" => "ES",
        "Sweden" => "SE",
        "Switzerland" => "CH",
        "USA" | "United States" => "US",
        "United Arab Emirates" => "AE",
        _ => return None,
    })
}
