//! Sizes of the pages by which a part of a list is narrowed down.

/// Page sizes from the whole page down to one order, each a divisor of the one before it, so that a position that one size has come to is the beginning of a page
/// of each smaller size: 500, 250, 125, 25, 5, 1.
pub(crate) fn sizes(page_size: u32) -> Vec<u32> {
    let mut sizes = vec![page_size.max(1)];
    while let Some(size) = sizes.last().copied().filter(|size| *size > 1) {
        let factor = (2..=size).find(|factor| size.is_multiple_of(*factor)).unwrap_or(size);
        sizes.push(size / factor);
    }
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_size_divides_the_one_before() {
        assert_eq!(sizes(500), [500, 250, 125, 25, 5, 1]);
        assert_eq!(sizes(7), [7, 1]);
        assert_eq!(sizes(1), [1]);
        assert_eq!(sizes(0), [1]);
    }
}
