//! One pass over JSON text that hands out pieces of it.
//!
//! `serde_json` reads a page of orders at three times the cost: once to tell the orders apart and once more into structs, with a detour for each number that must keep
//! its text. This reader goes over the text once, keeps every leaf as a slice of it, and knows where it is when something has the wrong shape. It takes exactly the JSON of RFC 8259 and any depth,
//! and leaves what a string's escapes mean to `serde_json`.

/// Stops a reading: the text is not JSON (or ends too early).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotJson;

/// A place in a JSON text.
#[derive(Clone, Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// The beginning of `text`.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next byte, 0 at the end.
    #[inline]
    fn byte(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    /// The first byte of what comes next, blanks left out.
    #[inline]
    pub(crate) fn peek(&mut self) -> u8 {
        loop {
            match self.byte() {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return byte,
            }
        }
    }

    /// Steps over `byte` if it comes next.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == byte;
        self.at += usize::from(found);
        found
    }

    /// The text from here to `end`.
    pub(crate) fn until(&self, end: &Self) -> &'a str {
        self.text.get(self.at..end.at).unwrap_or_default()
    }

    /// True if nothing but blanks is left.
    pub(crate) fn is_at_end(&mut self) -> bool {
        self.peek();
        self.at == self.text.len()
    }

    /// The next value's text, whatever it is.
    pub(crate) fn value(&mut self) -> Result<&'a str, NotJson> {
        self.peek();
        let start = self.at;
        self.skip()?;
        self.text.get(start..self.at).ok_or(NotJson)
    }

    /// Like [`Self::value`]; nothing for `null`.
    #[inline]
    pub(crate) fn value_or_null(&mut self) -> Result<Option<&'a str>, NotJson> {
        let next = self.peek();
        if next == b'n' {
            return self.skip_word("null").map(|()| None);
        }
        let start = self.at;
        self.skip_from(next)?;
        self.text.get(start..self.at).map(Some).ok_or(NotJson)
    }

    /// Steps over the next value.
    #[inline]
    pub(crate) fn skip(&mut self) -> Result<(), NotJson> {
        let next = self.peek();
        self.skip_from(next)
    }

    /// Steps over the value that begins here with `next`.
    #[inline]
    fn skip_from(&mut self, next: u8) -> Result<(), NotJson> {
        match next {
            b'"' => self.skip_string().map(drop),
            b'{' | b'[' => self.skip_nested(),
            other => self.skip_scalar(other),
        }
    }

    /// The next member's name, escapes as written, and whether it has any, if the object does not end here. `first` says whether it is the object's
    /// first.
    #[inline]
    pub(crate) fn member(&mut self, first: bool) -> Result<Option<(&'a str, bool)>, NotJson> {
        let mut next = self.peek();
        if next == b'}' {
            self.at += 1;
            return Ok(None);
        }
        if !first {
            if next != b',' {
                return Err(NotJson);
            }
            self.at += 1;
            next = self.peek();
        }
        if next != b'"' {
            return Err(NotJson);
        }
        let start = self.at + 1;
        let escaped = self.skip_string()?;
        let name = self.text.get(start..self.at - 1).ok_or(NotJson)?;
        if self.peek() != b':' {
            return Err(NotJson);
        }
        self.at += 1;
        Ok(Some((name, escaped)))
    }

    /// Steps over `quoted`, a member's name with its quotes and colon, if it comes next without blanks. `before` is what must stand before it: the object's brace, or a
    /// comma.
    #[inline]
    pub(crate) fn is_member(&mut self, before: u8, quoted: &str) -> bool {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let found = rest.split_first().is_some_and(|(first, rest)| *first == before && rest.starts_with(quoted.as_bytes()));
        if found {
            self.at += 1 + quoted.len();
        }
        found
    }

    /// True if no member was taken yet, by what must stand before the next one; steps over the object's brace then.
    pub(crate) fn has_begun(&mut self, before: u8) -> bool {
        before == b'{' && self.take(b'{')
    }

    /// True if another element comes next. `first` marks the list's first.
    pub(crate) fn element(&mut self, first: bool) -> Result<bool, NotJson> {
        let next = self.peek();
        if next == b']' {
            self.at += 1;
            return Ok(false);
        }
        if !first {
            if next != b',' {
                return Err(NotJson);
            }
            self.at += 1;
        }
        Ok(true)
    }

    /// From an opening quote to behind the closing one; tells whether there are escapes between.
    fn skip_string(&mut self) -> Result<bool, NotJson> {
        let mut escaped = false;
        let mut rest = self.text.as_bytes().get(self.at + 1..).unwrap_or_default();
        loop {
            // Eight bytes at a time while none of them is a quote, a backslash or a control character.
            while let Some((chunk, behind)) = rest.split_first_chunk::<8>() {
                let stop = stops(u64::from_le_bytes(*chunk));
                if stop == 0 {
                    rest = behind;
                } else {
                    rest = rest.get((stop.trailing_zeros() / 8) as usize..).unwrap_or_default();
                    break;
                }
            }
            let step = match rest {
                [b'"', behind @ ..] => {
                    self.at = self.text.len() - behind.len();
                    return Ok(escaped);
                }
                [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
                [b'\\', b'u', a, b, c, d, ..] if [a, b, c, d].iter().all(|hex| hex.is_ascii_hexdigit()) => 6,
                [] | [b'\\' | ..0x20, ..] => return Err(NotJson),
                _ => 1,
            };
            escaped |= step > 1;
            rest = rest.get(step..).unwrap_or_default();
        }
    }

    /// A number, `true`, `false` or `null`.
    fn skip_scalar(&mut self, first: u8) -> Result<(), NotJson> {
        match first {
            b'n' => self.skip_word("null"),
            b't' => self.skip_word("true"),
            b'f' => self.skip_word("false"),
            _ => self.skip_number(),
        }
    }

    fn skip_word(&mut self, word: &str) -> Result<(), NotJson> {
        if self.text.as_bytes().get(self.at..self.at + word.len()) != Some(word.as_bytes()) {
            return Err(NotJson);
        }
        self.at += word.len();
        Ok(())
    }

    fn skip_digits(&mut self) -> Result<(), NotJson> {
        let start = self.at;
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
        if self.at == start { Err(NotJson) } else { Ok(()) }
    }

    fn skip_number(&mut self) -> Result<(), NotJson> {
        self.at += usize::from(self.byte() == b'-');
        if self.byte() == b'0' {
            self.at += 1;
        } else {
            self.skip_digits()?;
        }
        if self.byte() == b'.' {
            self.at += 1;
            self.skip_digits()?;
        }
        if matches!(self.byte(), b'e' | b'E') {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), b'+' | b'-'));
            self.skip_digits()?;
        }
        Ok(())
    }

    /// An object or a list, without recursion: text from outside decides how deep it is.
    fn skip_nested(&mut self) -> Result<(), NotJson> {
        // What encloses the present place: true for an object. `first` is for the innermost.
        let mut inside = Nesting::default();
        inside.push(self.byte() == b'{');
        self.at += 1;
        let mut first = true;
        while let Some(is_object) = inside.innermost() {
            let more = if is_object { self.member(first)?.is_some() } else { self.element(first)? };
            if !more {
                inside.pop();
                first = false;
                continue;
            }
            first = false;
            match self.peek() {
                b'"' => drop(self.skip_string()?),
                open @ (b'{' | b'[') => {
                    self.at += 1;
                    inside.push(open == b'{');
                    first = true;
                }
                other => self.skip_scalar(other)?,
            }
        }
        Ok(())
    }
}

/// A stack of bits: words of 64, the innermost one apart, so that what is nested as deep as orders are needs no memory.
#[derive(Default)]
struct Nesting {
    bits: u64,
    depth: u32,
    outer: Vec<u64>,
}

impl Nesting {
    fn innermost(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.bits & 1 == 1)
    }

    fn push(&mut self, bit: bool) {
        if self.depth == u64::BITS {
            self.outer.push(self.bits);
            self.depth = 0;
        }
        self.bits = self.bits << 1 | u64::from(bit);
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.bits >>= 1;
        self.depth -= 1;
        if self.depth == 0
            && let Some(bits) = self.outer.pop()
        {
            self.bits = bits;
            self.depth = u64::BITS;
        }
    }
}

/// The bytes of `word` that end or interrupt a string, each as its highest bit; bytes before the first of them are exact.
fn stops(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    // x - 1 borrows into the highest bit exactly where x is 0 (or, falsely, behind such a byte).
    let equals = |byte: u8| {
        let x = word ^ (ONES * u64::from(byte));
        x.wrapping_sub(ONES) & !x
    };
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (equals(b'"') | equals(b'\\') | control) & HIGH
}

#[cfg(test)]
mod tests;
