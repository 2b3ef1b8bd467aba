//! Tests of whole flows; see `tests/suite`.
