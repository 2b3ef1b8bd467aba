//! A hundred ZIPs against distances that were computed another way: Vincenty's inverse formula on the WGS-84 ellipsoid, from unrounded coordinates.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use stevedore_geography::{County, Point, State, Zip};

const WAREHOUSES: [&str; 3] = ["89501", "07102", "78701"];

/// A ZIP and its distances to Reno, Newark and Austin in tenths of a mile. Every state is there.
#[rustfmt::skip]
const TABLE: [(&str, [u32; 3]); 100] = [
    ("00850", [36004, 16808, 22451]),
    ("00923", [35061, 16118, 21502]),
    ("01745", [25021, 1756, 16730]),
    ("02446", [25204, 1934, 16924]),
    ("02919", [25083, 1576, 16608]),
    ("03874", [25254, 2265, 17182]),
    ("04355", [25503, 3326, 18005]),
    ("05452", [23959, 2661, 16634]),
    ("06039", [24098, 925, 15720]),
    ("08243", [23907, 1124, 14419]),
    ("11238", [24024, 117, 15138]),
    ("13693", [22440, 2531, 15111]),
    ("15310", [20808, 3377, 11773]),
    ("15780", [21386, 2555, 12789]),
    ("16239", [21273, 2634, 12938]),
    ("18938", [23554, 498, 14557]),
    ("19950", [23505, 1521, 13890]),
    ("20002", [22763, 1958, 13199]),
    ("21530", [21806, 2432, 12629]),
    ("21658", [23186, 1586, 13652]),
    ("21793", [22477, 1890, 13166]),
    ("22209", [22720, 1997, 13154]),
    ("22738", [22181, 2761, 12392]),
    ("24935", [21005, 4180, 10926]),
    ("24951", [21121, 4124, 11003]),
    ("25515", [20086, 4458, 10624]),
    ("27926", [23442, 3188, 12926]),
    ("29418", [22496, 6306, 10580]),
    ("30030", [19994, 7351, 8246]),
    ("30056", [20374, 7235, 8540]),
    ("33054", [24640, 10800, 11081]),
    ("33167", [24660, 10807, 11101]),
    ("36054", [19231, 8823, 6894]),
    ("36618", [18800, 10438, 5714]),
    ("37450", [19141, 7231, 7951]),
    ("37804", [19732, 6275, 8888]),
    ("38237", [16967, 8496, 6624]),
    ("39363", [18048, 10032, 5465]),
    ("40109", [18295, 6470, 8695]),
    ("40943", [19507, 5825, 9229]),
    ("41385", [19631, 5376, 9672]),
    ("44012", [19794, 4122, 11707]),
    ("44490", [20505, 3454, 12009]),
    ("45152", [18967, 5355, 9937]),
    ("45223", [18767, 5608, 9678]),
    ("45871", [18717, 5328, 10334]),
    ("46701", [18059, 5883, 10286]),
    ("46928", [18019, 6047, 9750]),
    ("47805", [17259, 7006, 8691]),
    ("48888", [18087, 5890, 11372]),
    ("49012", [18011, 5898, 10803]),
    ("49613", [17505, 6658, 11673]),
    ("49618", [17800, 6330, 11725]),
    ("49640", [17587, 6620, 11818]),
    ("51357", [12956, 10964, 8916]),
    ("54930", [15873, 8148, 10509]),
    ("56556", [13180, 11744, 12030]),
    ("56729", [13087, 12264, 12705]),
    ("57660", [10275, 14159, 10989]),
    ("58324", [11929, 13380, 12590]),
    ("58420", [11695, 13021, 11559]),
    ("59071", [6562, 18052, 12171]),
    ("59526", [8288, 17713, 13882]),
    ("59739", [5131, 19549, 12788]),
    ("60081", [16543, 7364, 9915]),
    ("60187", [16630, 7287, 9631]),
    ("62237", [16221, 8448, 7146]),
    ("62480", [16968, 7451, 8157]),
    ("65584", [14954, 9814, 6120]),
    ("67844", [10723, 14137, 5081]),
    ("68367", [11852, 12133, 7414]),
    ("68949", [10844, 13207, 7075]),
    ("70520", [16908, 12324, 3407]),
    ("70533", [17040, 12488, 3425]),
    ("72315", [16484, 9156, 5978]),
    ("72601", [14717, 10695, 4911]),
    ("73659", [11674, 13837, 3912]),
    ("74464", [13785, 11750, 4203]),
    ("75247", [13588, 13670, 1827]),
    ("77701", [15932, 13387, 2182]),
    ("77705", [15943, 13413, 2178]),
    ("78113", [14380, 15705, 903]),
    ("81125", [7518, 17151, 7024]),
    ("82221", [8250, 15664, 8661]),
    ("82716", [8062, 16082, 10553]),
    ("83669", [3353, 21573, 13846]),
    ("84779", [3938, 20974, 10076]),
    ("86426", [4250, 22231, 10321]),
    ("88427", [9446, 16657, 4656]),
    ("89413", [344, 24062, 13950]),
    ("92865", [4078, 24277, 12031]),
    ("93015", [3570, 24676, 12685]),
    ("93611", [1865, 24442, 13404]),
    ("93630", [1934, 24668, 13601]),
    ("96822", [25665, 49570, 37534]),
    ("96913", [59177, 79485, 73100]),
    ("97702", [3196, 23892, 15997]),
    ("98570", [5079, 24267, 17470]),
    ("99669", [19669, 34110, 31876]),
    ("99790", [20771, 32562, 31944]),
];

fn point(zip: &str) -> Point {
    Zip::parse(zip).unwrap().place().unwrap().point.unwrap()
}

/// N9: within half a percent, which is how far the globe is from the ellipsoid, and two tenths of a mile for rounding coordinates.
#[test]
fn n9_a_hundred_zips_lie_where_another_formula_says() {
    for (zip, tenths) in TABLE {
        for (warehouse, expected) in WAREHOUSES.into_iter().zip(tenths) {
            let metres = u64::from(point(zip).distance(point(warehouse)).metres);
            let expected = u64::from(expected) * 160_934 / 1_000;
            let off = metres.abs_diff(expected);
            assert!(off <= expected * 6 / 1_000 + 322, "{zip} to {warehouse}: {metres} m, {expected} m by Vincenty");
        }
    }
}

/// N9: the nearest of the three is the same by both ways, except where they lie within a percent of each other.
#[test]
fn n9_the_nearest_is_the_same_by_both_ways() {
    let mut compared = 0;
    for (zip, tenths) in TABLE {
        let mut sorted = tenths;
        sorted.sort_unstable();
        if sorted[1] - sorted[0] > sorted[0] / 100 + 4 {
            let nearest = (0..3).min_by_key(|index| point(zip).distance(point(WAREHOUSES[*index])).metres).unwrap();
            assert_eq!(tenths[nearest], sorted[0], "{zip}");
            compared += 1;
        }
    }
    assert!(compared > 90, "{compared}");
}

#[test]
fn zips_are_read_as_people_write_them() {
    for text in ["89501", " 89501 ", "89501-1234", "89501 1234", "895011234", "89501 - 1234"] {
        assert_eq!(Zip::parse(text), Zip::parse("89501"), "{text}");
    }
    assert_eq!(Zip::parse("07102").unwrap().to_string(), "07102");
    for text in ["", "8950", "7102", "89501-12", "K1A 0B1", "SW1A 1AA", "89501-12345", "+8950", "8950\u{661}", "89501x"] {
        assert_eq!(Zip::parse(text), None, "{text}");
    }
}

#[test]
fn places_are_what_they_are() {
    let reno = Zip::parse("89501-0001").unwrap().place().unwrap();
    assert_eq!((reno.city(), reno.county.unwrap().name(), reno.state.code(), reno.state.name()), ("Reno", "Washoe County", "NV", "Nevada"));
    assert_eq!(reno.further_counties().count(), 0);
    // Aurora, Colorado, lies in two counties.
    let aurora = Zip::parse("80011").unwrap().place().unwrap();
    let counties: Vec<_> = aurora.county.into_iter().chain(aurora.further_counties()).map(County::name).collect();
    assert_eq!(counties, ["Arapahoe County", "Adams County"]);
    // Leading zeros, independent cities, parishes, territories and military addresses.
    let county = |zip: &str| Zip::parse(zip).unwrap().place().unwrap().county.map(|county| county.name().to_owned());
    assert_eq!(county("07102").as_deref(), Some("Essex County"));
    assert_eq!(county("70112").as_deref(), Some("Orleans Parish"));
    assert_eq!(county("00901").as_deref(), Some("San Juan Municipio"));
    assert_eq!(county("96910"), None);
    let apo = Zip::parse("09001").unwrap().place().unwrap();
    assert_eq!((apo.state.code(), apo.county, apo.point), ("AE", None, None));
    for zip in ["00000", "99999", "89500"] {
        assert_eq!(Zip::parse(zip).unwrap().place(), None, "{zip}");
    }
    assert_eq!(State::parse(" nevada ").unwrap().code(), "NV");
    assert_eq!(State::parse("nv").unwrap().name(), "Nevada");
    assert_eq!(State::parse("Nirvana"), None);
    assert_eq!(reno.city_named("RENO"), Some("Reno"));
    assert_eq!(reno.city_named("Sparks"), None);
}

/// The tables say what the data says, of every ZIP, and know no other.
#[test]
fn every_place_is_as_the_data_says() {
    let data = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/data/places.txt")).unwrap();
    let (mut state, mut county, mut count) = (String::new(), String::new(), 0);
    for line in data.lines().filter(|line| !line.starts_with('#')) {
        if let Some(named) = line.strip_prefix('=') {
            named.split_once(' ').unwrap().0.clone_into(&mut state);
            continue;
        }
        if let Some(named) = line.strip_prefix('-') {
            named.clone_into(&mut county);
            continue;
        }
        let mut parts = line.split('\t');
        let city = parts.next().unwrap();
        for entry in parts {
            let mut counties = entry.split('+');
            let mut names = counties.next().unwrap().split('|');
            let mut numbers = names.next().unwrap().split(' ').map(|number| number.parse::<i32>().unwrap());
            let zip = format!("{:05}", numbers.next().unwrap());
            let place = Zip::parse(&zip).unwrap().place().unwrap_or_else(|| panic!("{zip} is not known"));
            assert_eq!((place.city(), place.state.code()), (city, state.as_str()), "{zip}");
            assert_eq!(place.county.map_or("", |county| county.name()), county, "{zip}");
            let point = numbers.next().map(|latitude| (latitude, numbers.next().unwrap()));
            assert_eq!(place.point.map(|point| (point.latitude, point.longitude)), point, "{zip}");
            assert!(place.further_cities().eq(names), "{zip}");
            let further: Vec<&str> = place.further_counties().map(|county| county.name().trim_end_matches(" County")).collect();
            assert_eq!(further, counties.map(|name| name.trim_end_matches(" County")).collect::<Vec<_>>(), "{zip}");
            count += 1;
        }
    }
    let known = (0..100_000).filter(|zip| Zip::parse(&format!("{zip:05}")).unwrap().place().is_some()).count();
    assert_eq!(known, count);
}
