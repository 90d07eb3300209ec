//! The landed tables: their columns, units and keys. In: nothing. Out: the list. Never: Arrow, a path.
//!
//! Every landed row also carries the columns of `BOOKKEEPING`.

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A calendar day (Arrow Date32).
    Day,
    /// Text (Arrow Utf8).
    Text,
    /// A whole number (Arrow Int64).
    Count,
    /// An exact number with this many decimals (Arrow Decimal128(18, decimals)).
    Exact(i8),
    /// Months of the year as text, such as `1-4;7-10` or `11-4` (Arrow Utf8); `MonthSet` reads it.
    Months,
}

/// One column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name; a unit stands at its end where it has one.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether a row without it is rejected.
    pub required: bool,
    /// Unit and meaning, for people.
    pub comment: &'static str,
}

/// One landed table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LandedTable {
    /// Its name in SQL; also the folder below `lake/landed/`.
    pub name: &'static str,
    /// Columns that tell one fact from another. The view of the table keeps the latest version of each.
    pub key: &'static [&'static str],
    /// Its columns.
    pub columns: &'static [Column],
}

const fn must(name: &'static str, kind: Kind, comment: &'static str) -> Column {
    Column { name, kind, required: true, comment }
}

const fn may(name: &'static str, kind: Kind, comment: &'static str) -> Column {
    Column { name, kind, required: false, comment }
}

/// What every landed row carries besides its own columns.
pub const BOOKKEEPING: &[Column] = &[
    must("available_on", Kind::Day, "the day this row could have been known; never the day it was loaded"),
    must("feed", Kind::Text, "the feed it came by"),
    must("batch_id", Kind::Text, "hash of feed, address and content"),
    must(
        "batch_seq",
        Kind::Count,
        "the place of the batch among those of its table: of two versions with one available_on the later stands",
    ),
    must("source_row", Kind::Count, "the record's number in the source, from 1"),
];

/// The landed tables, in alphabetic order.
pub const LANDED: &[LandedTable] = &[
    LandedTable {
        name: "aliases",
        key: &["alias"],
        columns: &[must("alias", Kind::Text, "a name a feed uses"), must("name", Kind::Text, "the house's name for the same thing")],
    },
    LandedTable {
        name: "crops",
        key: &["crop", "system"],
        columns: &[
            must("crop", Kind::Text, "house name"),
            may("crop_en", Kind::Text, "English name"),
            must("category", Kind::Text, "grain_oil, vegetables, fruit, meat, eggs"),
            must("system", Kind::Text, "paddy, upland, perennial, livestock: which land it needs"),
            may("days_to_harvest_min", Kind::Count, "days from sowing or placing to the first harvest, at the earliest"),
            may("days_to_harvest_max", Kind::Count, "the same, at the latest"),
            may("harvest_window_days", Kind::Count, "days the harvest lasts"),
            may("sow_months", Kind::Months, "months of sowing or placing"),
            may("harvest_months", Kind::Months, "months of harvest"),
            may("yield_low_kg_per_mu", Kind::Exact(3), "kg per mu in a bad year"),
            may("yield_kg_per_mu", Kind::Exact(3), "kg per mu, typical"),
            may("yield_high_kg_per_mu", Kind::Exact(3), "kg per mu in a good year"),
            may("family", Kind::Text, "rotation family"),
            may("min_gap_same_family_years", Kind::Exact(1), "years between two crops of one family"),
            may("cost_low_cny_per_mu", Kind::Exact(2), "CNY per mu"),
            may("cost_high_cny_per_mu", Kind::Exact(2), "CNY per mu"),
            may("chain_loss_share", Kind::Exact(4), "share lost between field and plate"),
            may("confidence", Kind::Text, "how good the figures are"),
        ],
    },
    LandedTable {
        name: "lanes",
        key: &["base", "outlet", "commodity"],
        columns: &[
            must("base", Kind::Text, "farm"),
            must("outlet", Kind::Text, "market or shop group"),
            must("commodity", Kind::Text, "house name of the crop, or * for every crop"),
            must("kind", Kind::Text, "own (demand is forecast) or wholesale (price is forecast)"),
            must("freight_cny_per_kg", Kind::Exact(4), "CNY/kg"),
            must("loss_share", Kind::Exact(4), "share lost on the way"),
            must("fee_share", Kind::Exact(4), "share of the price that the outlet keeps"),
            may("max_kg_per_week", Kind::Exact(3), "kg a week the outlet takes of one crop without moving its price"),
        ],
    },
    LandedTable {
        name: "market_prices",
        key: &["market", "commodity", "grade", "day"],
        columns: &[
            must("day", Kind::Day, "day of the quote; for a weekly or monthly quote a day inside it"),
            must("market", Kind::Text, "market name"),
            must("commodity", Kind::Text, "name as the source writes it, trimmed"),
            must("grade", Kind::Text, "grade or specification; empty where there is none"),
            must("category", Kind::Text, "grain_oil, vegetables, fruit, meat, eggs"),
            may("low_cny_per_kg", Kind::Exact(4), "CNY/kg"),
            must("price_cny_per_kg", Kind::Exact(4), "CNY/kg, the usual price of the day"),
            may("high_cny_per_kg", Kind::Exact(4), "CNY/kg"),
        ],
    },
    LandedTable {
        name: "plantings",
        key: &["base", "plot", "crop", "sown_on"],
        columns: &[
            must("base", Kind::Text, "farm"),
            must("plot", Kind::Text, "plot"),
            must("crop", Kind::Text, "house name"),
            must("sown_on", Kind::Day, "day of sowing, transplanting or placing"),
            must("area_mu", Kind::Exact(2), "mu; for livestock the houses' places in thousands"),
        ],
    },
    LandedTable {
        name: "plots",
        key: &["base", "plot"],
        columns: &[
            must("base", Kind::Text, "farm"),
            must("plot", Kind::Text, "plot"),
            must("system", Kind::Text, "paddy, upland, perennial, livestock"),
            must("area_mu", Kind::Exact(2), "mu"),
        ],
    },
    LandedTable {
        name: "products",
        key: &["product"],
        columns: &[
            must("product", Kind::Text, "code in the shops"),
            must("name", Kind::Text, "name in the shops"),
            must("category", Kind::Text, "grain_oil, vegetables, fruit, meat, eggs"),
            may("group_name", Kind::Text, "the shops' own group"),
            may("loss_share", Kind::Exact(4), "share lost in the shop"),
            must("sold_by", Kind::Text, "kg or piece"),
        ],
    },
    LandedTable {
        name: "sales",
        key: &["shop", "product", "day", "line"],
        columns: &[
            must("shop", Kind::Text, "shop"),
            must("product", Kind::Text, "code in the shops"),
            must("day", Kind::Day, "day of sale"),
            must("line", Kind::Text, "receipt line; empty where the source is already summed by day"),
            must("product_name", Kind::Text, "name in the shops"),
            must("category", Kind::Text, "grain_oil, vegetables, fruit, meat, eggs"),
            must("channel", Kind::Text, "shop, online or group"),
            may("quantity_kg", Kind::Exact(4), "kg; empty for what is sold by the piece"),
            may("quantity_pieces", Kind::Exact(4), "pieces; empty for what is sold by weight"),
            may("price_cny_per_kg", Kind::Exact(4), "CNY/kg"),
            may("price_cny_per_piece", Kind::Exact(4), "CNY/piece"),
            may("till_lines", Kind::Count, "receipt lines in the row"),
            may("discounted_lines", Kind::Count, "of which at a discount"),
        ],
    },
];

impl LandedTable {
    /// The table of that name.
    pub fn named(name: &str) -> Option<&'static LandedTable> {
        LANDED.iter().find(|table| table.name == name)
    }

    /// Its own columns, then the bookkeeping: the order of the stored table.
    pub fn stored_columns(&self) -> impl Iterator<Item = &'static Column> {
        self.columns.iter().chain(BOOKKEEPING)
    }
}

/// Months of the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MonthSet([bool; 12]);

impl MonthSet {
    /// Reads `1-4;7-10`; a range may turn over the year's end (`11-4`), `all` is every month.
    pub fn parse(text: &str) -> Option<MonthSet> {
        let mut months = [false; 12];
        if text.trim() == "all" {
            return Some(MonthSet([true; 12]));
        }
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let (from, to): (usize, usize) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
            if !(1..=12).contains(&from) || !(1..=12).contains(&to) {
                return None;
            }
            let mut month = from;
            loop {
                months[month - 1] = true;
                if month == to {
                    break;
                }
                month = month % 12 + 1;
            }
        }
        Some(MonthSet(months))
    }

    /// Whether the month (1 to 12) is in the set.
    pub fn holds(self, month: u32) -> bool {
        (1..=12).contains(&month) && self.0[month as usize - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_order_and_keys_are_columns() {
        assert!(LANDED.windows(2).all(|pair| pair[0].name < pair[1].name));
        for table in LANDED {
            for key in table.key {
                assert!(table.columns.iter().any(|column| column.name == *key && column.required), "{}.{key}", table.name);
            }
        }
    }

    #[test]
    fn months_turn_over_the_year() {
        let held = |text: &str| MonthSet::parse(text).map(|set| (1..=12).filter(|month| set.holds(*month)).collect::<Vec<_>>());
        assert_eq!(held("1-4;7-10"), Some(vec![1, 2, 3, 4, 7, 8, 9, 10]));
        assert_eq!(held("11-2"), Some(vec![1, 2, 11, 12]));
        assert_eq!(held("7"), Some(vec![7]));
        assert_eq!(held("13"), None);
    }
}
