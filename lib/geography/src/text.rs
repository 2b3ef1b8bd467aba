//! Comparing the names of cities as people write them.

/// True if two names of a city are the same but for case, punctuation, blanks and the usual short forms of Saint, Sainte, Fort and Mount.
#[must_use]
pub fn same_city(a: &str, b: &str) -> bool {
    letters(a).eq(letters(b))
}

fn letters(name: &str) -> impl Iterator<Item = char> {
    let words = name.split(|c: char| !c.is_alphanumeric()).map(|word| match word {
        _ if word.eq_ignore_ascii_case("saint") => "st",
        _ if word.eq_ignore_ascii_case("sainte") => "ste",
        _ if word.eq_ignore_ascii_case("fort") => "ft",
        _ if word.eq_ignore_ascii_case("mount") => "mt",
        _ => word,
    });
    words.flat_map(str::chars).flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::same_city;

    #[test]
    fn names_are_compared_as_people_write_them() {
        for (a, b) in
            [("St. Louis", "saint louis"), ("O Fallon", "O'Fallon"), ("FT WORTH", "Fort Worth"), ("Winston Salem", "Winston-Salem")]
        {
            assert!(same_city(a, b), "{a} {b}");
        }
        for (a, b) in [("Reno", "Sparks"), ("Saint", "Louis"), ("Reno", ""), ("Fortuna", "Ftuna")] {
            assert!(!same_city(a, b), "{a} {b}");
        }
    }
}
