//! The rows a Parquet file says it has, by its footer alone. In: bytes. Out: `num_rows`. Never: a column, the parser's
//! library.
//!
//! The file ends with the footer, its length and `PAR1`. The footer is a struct in Thrift's compact protocol, whose
//! third field is `num_rows`. Source: parquet-format, `parquet.thrift`; Thrift, `thrift-compact-protocol.md`.

use crate::thrift::{INTEGERS, Reader};

const MARK: &[u8] = b"PAR1";
const LENGTH_BYTES: usize = 4;
/// The field of the footer that counts the rows.
const NUM_ROWS: i64 = 3;

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
