//! One state of an order, and which of two states is the newer.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Item, Order};
use crate::address::Address;
use crate::digest::Digest;

/// The scheme of the digests that are made now. What a scheme counts never changes: tests hold its digests of fixed orders.
pub const NEWEST_SCHEME: u8 = Digest::FIRST_SCHEME;

/// Key that orders the revisions of one order in time. The greatest key is the newest state.
///
/// `modifyDate` decides; the hour that repeats each November is resolved by when the revision was read, and among equal
/// times the one that was read later wins, since ShipStation always answers with the present state. The digest makes the order total, so
/// that deliveries in any order end in the same state.
///
/// A release before this one stored dates ahead of the clock as they were stated. Such a key counts as of when it was read, or it would outrank every later change
/// until its date has come; the key itself stays, since the revision is stored under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RevisionKey {
    /// Time of the order's change by ShipStation.
    pub modified_at: Timestamp,
    /// Time at which it was read; absent where a message does not say.
    pub read_at: Option<Timestamp>,
    /// Digest of its content.
    pub digest: Digest,
}

impl Ord for RevisionKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let place = |key: &Self| (key.effective(), key.read_at, key.modified_at, key.digest);
        place(self).cmp(&place(other))
    }
}

impl PartialOrd for RevisionKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl RevisionKey {
    /// When the order changed; never later than it was read.
    fn effective(&self) -> Timestamp {
        self.read_at.map_or(self.modified_at, |read_at| self.modified_at.min(read_at))
    }

    /// True if a revision with this key says something newer than `known`. Under different schemes time alone decides: where the revision itself is at hand,
    /// [`Revision::supersedes`] knows better.
    #[must_use]
    pub fn supersedes(&self, known: &Self) -> bool {
        self.digest != known.digest && self > known
    }

    /// True if both keys are those of one state as it was read once, also where two releases made them.
    #[must_use]
    pub fn is_same_reading(&self, other: &Self) -> bool {
        self.modified_at == other.modified_at
            && if self.digest.scheme == other.digest.scheme { self.digest == other.digest } else { self.read_at == other.read_at }
    }
}

/// One state of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Content of the order.
    pub order: Order,
    /// Its place in time.
    pub key: RevisionKey,
}

impl Revision {
    /// The revision that `order` is, read from ShipStation at `read_at`.
    #[must_use]
    pub fn new(order: Order, read_at: Option<Timestamp>) -> Self {
        let digest = digest(&order);
        let key = RevisionKey { modified_at: order.modified_at.instant(read_at), read_at, digest };
        Self { order, key }
    }

    /// True if it says what the revision with the digest `known` says, compared under that digest's scheme. A digest of a scheme that this release does not
    /// have (it was stored by a later one) says nothing: then only the stored orders themselves can be compared.
    #[must_use]
    pub fn says(&self, known: Digest) -> bool {
        known == self.key.digest || (known.scheme != self.key.digest.scheme && digest_under(&self.order, known.scheme) == Some(known))
    }

    /// Its key beside that of the `newest` revision that is known: with the digest of that one where both say the same, so that what is stored, queued and
    /// counted names one content in one way also where an earlier release gave it its digest.
    #[must_use]
    pub fn key_beside(&self, newest: Option<&RevisionKey>) -> RevisionKey {
        match newest {
            Some(newest) if self.says(newest.digest) => RevisionKey { digest: newest.digest, ..self.key },
            _ => self.key,
        }
    }

    /// True if it says something newer than the revision with the key `known`.
    #[must_use]
    pub fn supersedes(&self, known: &RevisionKey) -> bool {
        self.key > *known && !self.says(known.digest)
    }
}

/// Stands before the length of a text that is too long for a byte.
const LONG: u8 = u8::MAX - 1;

/// Fields as bytes, so that no two different sequences of fields are the same bytes. Gathered first and hashed in one go: feeding a hash a hundred small
/// pieces costs more than hashing them.
struct Fields {
    bytes: Vec<u8>,
}

impl Fields {
    fn new() -> Self {
        // Most orders fit, and the allocator is quick with up to a kilobyte.
        Self { bytes: Vec::with_capacity(1_000) }
    }
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }
    /// Lengths of texts: a byte for nearly all of them, so that the whole stays short.
    fn length(&mut self, length: Option<usize>) {
        match length.map(u8::try_from) {
            None => self.bytes.push(u8::MAX),
            Some(Ok(length)) if length < LONG => self.bytes.push(length),
            Some(_) => {
                self.bytes.push(LONG);
                self.number(length.unwrap_or_default() as u64);
            }
        }
    }
    fn text(&mut self, text: Option<&str>) {
        self.length(text.map(str::len));
        self.write(text.unwrap_or_default().as_bytes());
    }
    fn number(&mut self, number: u64) {
        self.write(&number.to_le_bytes());
    }
    fn optional(&mut self, number: Option<u64>) {
        self.number(u64::from(number.is_some()));
        self.number(number.unwrap_or(0));
    }
    fn decimal(&mut self, decimal: rust_decimal::Decimal) {
        self.write(&decimal.normalize().serialize());
    }
    fn time(&mut self, time: Option<jiff::civil::DateTime>) {
        let Some(time) = time else { return self.number(u64::MAX) };
        let mut bytes = [0_u8; 16];
        let (date, clock) = (time.date(), time.time());
        bytes[..2].copy_from_slice(&date.year().to_le_bytes());
        bytes[2..6].copy_from_slice(&[date.month(), date.day(), clock.hour(), clock.minute()].map(i8::cast_unsigned));
        bytes[6] = clock.second().cast_unsigned();
        bytes[8..12].copy_from_slice(&clock.subsec_nanosecond().to_le_bytes());
        self.write(&bytes);
    }
    fn address(&mut self, address: &Address) {
        let Address { name, company, street1, street2, street3, city, state, postal_code, country, phone } = address;
        for field in [name, company, street1, street2, street3, city, state, postal_code, country, phone] {
            self.text(field.as_deref());
        }
    }
    fn item(&mut self, item: &Item) {
        let Item { id, key, sku, name, quantity, unit_price, unit_tax, options, product_id, adjustment } = item;
        self.optional(*id);
        for text in [key, sku, name] {
            self.text(text.as_deref());
        }
        self.number(quantity.cast_unsigned());
        self.decimal(*unit_price);
        self.number(u64::from(unit_tax.is_some()) | u64::from(*adjustment) << 1);
        self.decimal(unit_tax.unwrap_or_default());
        self.optional(product_id.map(|id| id.0));
        self.number(options.len() as u64);
        for option in options {
            self.text(Some(&option.name));
            self.text(Some(&option.value));
        }
    }
}

/// The order's digest under the newest scheme. It covers every field of [`Order`] but `modifyDate`, in a fixed order with numbers normalised, so
/// neither the order of JSON members nor `16.9` for `16.90` nor a field that is not read makes a revision.
fn digest(order: &Order) -> Digest {
    Digest { scheme: NEWEST_SCHEME, value: Digest::of_bytes(&fields(order).bytes).value }
}

/// The order's digest under a scheme, where this release has it.
fn digest_under(order: &Order, scheme: u8) -> Option<Digest> {
    (scheme == NEWEST_SCHEME).then(|| digest(order))
}

/// Fields that the first scheme counts. A later scheme writes this and then what it counts beyond it.
fn fields(order: &Order) -> Fields {
    // Taken apart by name: a field that is added to `Order` does not compile until a scheme counts it. Not this one: it is stored.
    let Order {
        id,
        number,
        key,
        status,
        created_at,
        modified_at: _,
        ordered_at,
        paid_at,
        customer_id,
        customer_username,
        customer_email,
        bill_to,
        ship_to,
        items,
        total,
        amount_paid,
        tax,
        shipping,
        payment_method,
        customer_notes,
        internal_notes,
        requested_shipping_service,
        externally_fulfilled,
        tag_ids,
        store_id,
        warehouse_id,
        source,
        merged_or_split,
        merged_ids,
        parent_id,
        // What was left out says nothing.
        nulls_left_out: _,
    } = order;
    let mut fields = Fields::new();
    fields.number(id.0);
    fields.text(Some(number));
    fields.text(key.as_deref());
    fields.text(Some(status.as_str()));
    fields.time(created_at.map(|time| time.0));
    fields.time(*ordered_at);
    fields.time(*paid_at);
    fields.optional(customer_id.map(|id| id.0));
    for text in [customer_username, customer_email, payment_method, customer_notes, internal_notes, requested_shipping_service, source] {
        fields.text(text.as_deref());
    }
    fields.address(bill_to);
    fields.address(ship_to);
    for amount in [total, amount_paid, tax, shipping] {
        fields.decimal(*amount);
    }
    fields.number(u64::from(*externally_fulfilled) | u64::from(*merged_or_split) << 1);
    fields.number(tag_ids.len() as u64);
    for tag in tag_ids {
        fields.number(tag.0);
    }
    fields.optional(store_id.map(|id| id.0));
    fields.optional(warehouse_id.map(|id| id.0));
    fields.optional(parent_id.map(|id| id.0));
    fields.number(merged_ids.len() as u64);
    for id in merged_ids {
        fields.number(id.0);
    }
    fields.number(items.len() as u64);
    for item in items {
        fields.item(item);
    }
    fields
}
