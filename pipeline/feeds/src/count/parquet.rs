//! The rows a Parquet file says it has, by its footer alone. In: bytes. Out: `num_rows`. Never: a column, the parser's
//! library.
//!
//! The file ends with the footer, its length and `PAR1`. The footer is a struct in Thrift's compact protocol, whose
//! third field is `num_rows`. Source: parquet-format, `parquet.thrift`; Thrift, `thrift-compact-protocol.md`.

const MARK: &[u8] = b"PAR1";
const LENGTH_BYTES: usize = 4;
/// The field of the footer that counts the rows.
const NUM_ROWS: i64 = 3;
/// Structs within structs; the footer has six.
const DEEPEST: usize = 32;

/// Kinds of values in the compact protocol.
const STOP: u8 = 0;
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const INTEGERS: std::ops::RangeInclusive<u8> = 4..=6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LISTS: std::ops::RangeInclusive<u8> = 9..=10;
const STRUCT: u8 = 12;
/// A list whose size does not fit in its first byte says so.
const LONG_LIST: u8 = 15;

pub(super) fn count(bytes: &[u8]) -> Result<u64, String> {
    let cut = || "it does not end as Parquet does: it may be cut off".to_string();
    let body = bytes.strip_suffix(MARK).filter(|_| bytes.starts_with(MARK)).ok_or_else(cut)?;
    let (body, length) = body.split_at_checked(body.len().saturating_sub(LENGTH_BYTES)).ok_or_else(cut)?;
    let length = u32::from_le_bytes(length.try_into().map_err(|_| cut())?) as usize;
    let footer = body.len().checked_sub(length).and_then(|at| body.get(at..)).ok_or_else(cut)?;
    let broken = || "its footer is broken".to_string();
    let mut reader = Reader(footer);
    let mut field = 0;
    while let Some(kind) = reader.field(&mut field).ok_or_else(broken)? {
        if field == NUM_ROWS && INTEGERS.contains(&kind) {
            let rows = reader.integer().ok_or_else(broken)?;
            return u64::try_from(rows).map_err(|_| format!("its footer tells of {rows} rows"));
        }
        reader.skip(kind, 0).ok_or_else(broken)?;
    }
    Err("its footer does not say how many rows it has".into())
}

/// What is left to read; nothing when it ends too early.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    /// A zigzag number.
    fn integer(&mut self) -> Option<i64> {
        let number = self.varint()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// The next field's kind, none at the struct's end; `field` becomes its number.
    fn field(&mut self, field: &mut i64) -> Option<Option<u8>> {
        let head = self.byte()?;
        if head == STOP {
            return Some(None);
        }
        *field = match head >> 4 {
            0 => self.integer()?,
            more => *field + i64::from(more),
        };
        Some(Some(head & 0x0f))
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        match kind {
            TRUE | FALSE => {}
            BYTE => drop(self.byte()?),
            DOUBLE => self.leap(8)?,
            BINARY => {
                let length = self.varint()?;
                self.leap(usize::try_from(length).ok()?)?;
            }
            STRUCT => {
                let mut field = 0;
                while let Some(kind) = self.field(&mut field)? {
                    self.skip(kind, depth + 1)?;
                }
            }
            kind if INTEGERS.contains(&kind) => drop(self.varint()?),
            kind if LISTS.contains(&kind) => {
                let head = self.byte()?;
                let size = if head >> 4 == LONG_LIST { self.varint()? } else { u64::from(head >> 4) };
                for _ in 0..size {
                    // in a list a truth is a byte
                    self.skip(if matches!(head & 0x0f, TRUE | FALSE) { BYTE } else { head & 0x0f }, depth + 1)?;
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn leap(&mut self, bytes: usize) -> Option<()> {
        self.0 = self.0.get(bytes..)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of nothing but this footer.
    fn file(footer: &[u8]) -> Vec<u8> {
        [MARK, footer, &(footer.len() as u32).to_le_bytes(), MARK].concat()
    }

    #[test]
    fn the_footer_says_how_many_rows_there_are() {
        // version 1; a schema list of one struct { name "a" }; num_rows 300
        let footer = [0x15, 0x02, 0x19, 0x1c, 0x48, 0x01, b'a', 0x00, 0x16, 0xd8, 0x04, 0x00];
        assert_eq!(count(&file(&footer)), Ok(300));
        for (bytes, expect) in [
            (file(&[0x15, 0x02, 0x00]), "does not say how many"),
            (file(&footer[..9]), "its footer is broken"),
            (file(&[0x15, 0x02, 0x26, 0x01, 0x00]), "tells of -1 rows"),
            (file(&[0x1c; 400]), "its footer is broken"),
            (file(&[0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f]), "its footer is broken"),
            (b"PAR1PAR1".to_vec(), "cut off"),
            (b"PAR1".to_vec(), "cut off"),
            (b"PAR1\xff\xff\xff\xffPAR1".to_vec(), "cut off"),
        ] {
            let told = count(&bytes).expect_err(expect);
            assert!(told.contains(expect), "{told}: {bytes:?}");
        }
    }
}
