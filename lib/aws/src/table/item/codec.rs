//! Documents inside items: JSON, compressed against a dictionary of the shapes that occur.
//!
//! A two-line order shrinks to about a quarter of its text, which keeps log entry, newest revision and sale at one write unit
//! each (units are counted in whole kilobytes). The first byte says how to read the rest.

use std::cell::RefCell;
use std::sync::LazyLock;

use aws_sdk_dynamodb::error::BoxError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::CParameter;

/// JSON, compressed by zstd with the first dictionary; read, and not written any more.
const ZSTD_V1: u8 = 1;
/// The same with the second, which knows orders with their sale and what the warehouse does; read, and not written any more.
const ZSTD_V2: u8 = 2;
/// The same with the third: the second's text, with the entropy tables that such documents call for (`lib/aws/dictionary.py`). Changing a dictionary takes a
/// new number.
const ZSTD_V3: u8 = 3;

static DICTIONARY_V1: &[u8] = include_bytes!("dictionary-v1.txt");
static DICTIONARY_V2: &[u8] = include_bytes!("dictionary-v2.txt");
static DICTIONARY_V3: &[u8] = include_bytes!("dictionary-v3.bin");
const LEVEL: i32 = 6;
/// A document is never larger than this when it is read back: what a damaged length may make us allocate at most.
const LARGEST: usize = 64 << 20;

static ENCODER: LazyLock<EncoderDictionary<'static>> = LazyLock::new(|| EncoderDictionary::copy(DICTIONARY_V3, LEVEL));
static DECODER: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(DICTIONARY_V3));

thread_local! {
    // Contexts are a few hundred kilobytes each and worth keeping.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Compresses text.
pub(crate) fn pack(text: &[u8]) -> Result<Vec<u8>, BoxError> {
    COMPRESSOR.with_borrow_mut(|slot| {
        let compressor = if let Some(compressor) = slot {
            compressor
        } else {
            let compressor = slot.insert(Compressor::with_prepared_dictionary(&ENCODER)?);
            // The first byte names it.
            compressor.set_parameter(CParameter::DictIdFlag(false))?;
            compressor
        };
        let mut packed = vec![ZSTD_V3];
        packed.extend(compressor.compress(text)?);
        Ok(packed)
    })
}

/// Reads what [`pack`] wrote.
pub(crate) fn unpack(packed: &[u8]) -> Result<Vec<u8>, BoxError> {
    let (body, earlier) = match packed.split_first() {
        Some((&ZSTD_V3, body)) => (body, None),
        Some((&ZSTD_V2, body)) => (body, Some(DICTIONARY_V2)),
        Some((&ZSTD_V1, body)) => (body, Some(DICTIONARY_V1)),
        _ => return Err(format!("unknown encoding {:?}", packed.first()).into()),
    };
    let size = Decompressor::upper_bound(body).ok_or("no size")?;
    if size > LARGEST {
        return Err(format!("{size} bytes are too many").into());
    }
    if let Some(dictionary) = earlier {
        return Ok(Decompressor::with_dictionary(dictionary)?.decompress(body, size)?);
    }
    DECOMPRESSOR.with_borrow_mut(|slot| {
        let decompressor = match slot {
            Some(decompressor) => decompressor,
            None => slot.insert(Decompressor::with_prepared_dictionary(&DECODER)?),
        };
        Ok(decompressor.decompress(body, size)?)
    })
}

/// Compresses a value as JSON.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, BoxError> {
    pack(&serde_json::to_vec(value)?)
}

/// Reads what [`encode`] wrote.
pub(crate) fn decode<T: DeserializeOwned>(packed: &[u8]) -> Result<T, BoxError> {
    Ok(serde_json::from_slice(&unpack(packed)?)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_back_what_it_wrote_and_refuses_damage() {
        let text = br#"{"orderId":1,"items":[]}"#.repeat(1_000);
        let mut packed = pack(&text).unwrap();
        assert!(packed.len() < 200, "{} bytes", packed.len());
        assert_eq!(unpack(&packed).unwrap(), text);
        packed.truncate(packed.len() - 3);
        assert!(unpack(&packed).is_err());
        // What earlier dictionaries wrote is still read.
        for (number, dictionary) in [(ZSTD_V1, DICTIONARY_V1), (ZSTD_V2, DICTIONARY_V2)] {
            let mut old = vec![number];
            old.extend(Compressor::with_dictionary(LEVEL, dictionary).unwrap().compress(&text).unwrap());
            assert_eq!(unpack(&old).unwrap(), text);
        }
        assert!(unpack(&[9, 1, 2]).is_err());
        assert!(unpack(&[]).is_err());
    }
}
