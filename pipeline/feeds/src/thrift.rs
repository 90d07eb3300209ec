//! Thrift's compact protocol, as far as Parquet's footer and the headers of its pages use it. In: bytes. Out: fields, one
//! after another. Never: a leap beyond their end, a value built.
//!
//! Source: Thrift, `thrift-compact-protocol.md`.

/// Structs within structs; the footer has six.
const DEEPEST: usize = 32;

/// Kinds of values in the compact protocol.
const STOP: u8 = 0;
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
/// Whole numbers of any width.
pub const INTEGERS: std::ops::RangeInclusive<u8> = 4..=6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LISTS: std::ops::RangeInclusive<u8> = 9..=10;
const STRUCT: u8 = 12;
/// A list whose size does not fit in its first byte says so.
const LONG_LIST: u8 = 15;

/// What is left to read; nothing when it ends too early.
pub struct Reader<'a>(pub &'a [u8]);

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
    pub fn integer(&mut self) -> Option<i64> {
        let number = self.varint()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// The next field's kind, none at the struct's end; `field` becomes its number.
    pub fn field(&mut self, field: &mut i64) -> Option<Option<u8>> {
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

    /// Leaves a value out; `depth` structs are open.
    pub fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
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
