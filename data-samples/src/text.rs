//! Rows written as bytes, for the tables that are too long for anything slower. In: amounts. Out: CSV.
//! Never: a cell that needs quotes.

/// Rows of one file under way.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub bytes: Vec<u8>,
    pub count: usize,
    is_begun: bool,
}

impl Rows {
    /// Whole rows.
    pub fn of(bytes: Vec<u8>, count: usize) -> Rows {
        Rows { bytes, count, is_begun: false }
    }

    /// A cell of text.
    pub fn text(&mut self, text: &str) -> &mut Rows {
        self.next();
        self.bytes.extend_from_slice(text.as_bytes());
        self
    }

    /// A whole number.
    pub fn count(&mut self, number: i64) -> &mut Rows {
        self.next();
        self.digits(number, 0);
        self
    }

    /// Thousandths: grams as kg.
    pub fn thousandths(&mut self, number: i64) -> &mut Rows {
        self.next();
        self.digits(number, 3);
        self
    }

    /// Hundredths: fen as yuan.
    pub fn hundredths(&mut self, number: i64) -> &mut Rows {
        self.next();
        self.digits(number, 2);
        self
    }

    /// Ends the row.
    pub fn end(&mut self) {
        self.bytes.push(b'\n');
        self.count += 1;
        self.is_begun = false;
    }

    fn next(&mut self) {
        if self.is_begun {
            self.bytes.push(b',');
        }
        self.is_begun = true;
    }

    fn digits(&mut self, number: i64, decimals: usize) {
        let mut digits = [b'0'; 24];
        let (mut left, mut at) = (number.unsigned_abs(), digits.len());
        let mut written = 0;
        while left > 0 || written <= decimals {
            at -= 1;
            digits[at] = b'0' + (left % 10) as u8;
            left /= 10;
            written += 1;
        }
        if number < 0 {
            self.bytes.push(b'-');
        }
        let point = digits.len() - decimals;
        self.bytes.extend_from_slice(&digits[at..point]);
        if decimals > 0 {
            self.bytes.push(b'.');
            self.bytes.extend_from_slice(&digits[point..]);
        }
    }
}

/// The cells of such rows, for what happens to a few of them.
pub(crate) fn cells(bytes: &[u8]) -> Vec<Vec<String>> {
    let text = std::str::from_utf8(bytes).expect("rows are written from texts");
    text.lines().map(|line| line.split(',').map(String::from).collect()).collect()
}

/// And back.
pub(crate) fn bytes(rows: &[Vec<String>]) -> Vec<u8> {
    rows.iter().flat_map(|row| format!("{}\n", row.join(",")).into_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_write_them() {
        let mut rows = Rows::default();
        rows.text("门店").count(0).count(-12).thousandths(5).thousandths(-1250).hundredths(1234).hundredths(7).end();
        let text = String::from_utf8(rows.bytes.clone()).expect("text");
        assert_eq!(text, "门店,0,-12,0.005,-1.250,12.34,0.07\n");
        assert_eq!(bytes(&cells(&rows.bytes)), rows.bytes);
    }
}
