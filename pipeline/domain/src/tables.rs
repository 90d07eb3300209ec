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
        name: "bases",
        key: &["base"],
        columns: &[
            must("base", Kind::Text, "farm"),
            must("county", Kind::Text, "county it lies in"),
            must("station", Kind::Text, "weather station nearby"),
            may("base_en", Kind::Text, "English name"),
        ],
    },
    LandedTable {
        name: "cohorts",
        key: &["base", "house", "placed_on", "day"],
        columns: &[
            must("base", Kind::Text, "farm"),
            must("house", Kind::Text, "house or pen; a plot of the system livestock"),
            must("animal", Kind::Text, "house name of what it gives: yellow broiler, hog, eggs"),
            must("placed_on", Kind::Day, "day the animals came in"),
            must("day", Kind::Day, "day of the count"),
            must("heads", Kind::Count, "animals alive"),
            must("deaths", Kind::Count, "animals that died since the count before"),
            must("mean_weight_kg", Kind::Exact(3), "kg an animal"),
            must("feed_kg", Kind::Exact(3), "kg of feed since the count before"),
            must("output_kg", Kind::Exact(3), "kg of eggs or live weight that left since the count before"),
        ],
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
        name: "field_log",
        key: &["base", "plot", "day", "work"],
        columns: &[
            must("base", Kind::Text, "farm"),
            must("plot", Kind::Text, "plot"),
            must("crop", Kind::Text, "house name of what stands there"),
            must("day", Kind::Day, "day of the work"),
            must("work", Kind::Text, "spraying, fertilising, irrigation or weeding"),
            may("substance", Kind::Text, "what was applied"),
            may("safe_from", Kind::Day, "first day on which the crop may be harvested again"),
        ],
    },
    LandedTable {
        name: "grain_stocks",
        key: &["warehouse", "commodity", "day"],
        columns: &[
            must("warehouse", Kind::Text, "granary"),
            must("commodity", Kind::Text, "house name"),
            must("day", Kind::Day, "day of the count"),
            must("received_kg", Kind::Exact(3), "kg taken in since the count before"),
            must("issued_kg", Kind::Exact(3), "kg given out since the count before"),
            must("lost_kg", Kind::Exact(3), "kg lost since the count before"),
            must("stock_kg", Kind::Exact(3), "kg in store"),
        ],
    },
    LandedTable {
        name: "harvests",
        key: &["base", "plot", "crop", "sown_on", "day"],
        columns: &[
            must("base", Kind::Text, "farm"),
            must("plot", Kind::Text, "plot"),
            must("crop", Kind::Text, "house name"),
            must("sown_on", Kind::Day, "day of the planting it comes from"),
            must("day", Kind::Day, "day of harvest"),
            must("harvested_kg", Kind::Exact(3), "kg brought in"),
            may("first_grade_share", Kind::Exact(4), "share of first grade"),
        ],
    },
    LandedTable {
        name: "holidays",
        key: &["kind", "name", "from_day"],
        columns: &[
            must("kind", Kind::Text, "holiday, workday (made up for), school_term"),
            must("name", Kind::Text, "name"),
            must("from_day", Kind::Day, "first day"),
            must("to_day", Kind::Day, "last day"),
        ],
    },
    LandedTable {
        name: "inspections",
        key: &["base", "plot", "crop", "day", "test"],
        columns: &[
            must("base", Kind::Text, "farm"),
            must("plot", Kind::Text, "plot"),
            must("crop", Kind::Text, "house name"),
            must("day", Kind::Day, "day of the sample"),
            must("test", Kind::Text, "what was looked for"),
            must("result", Kind::Text, "pass or fail"),
            may("found_mg_per_kg", Kind::Exact(4), "mg/kg found"),
            may("limit_mg_per_kg", Kind::Exact(4), "mg/kg allowed"),
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
        name: "processing",
        key: &["location", "day", "input_product", "output_product"],
        columns: &[
            must("location", Kind::Text, "where"),
            must("day", Kind::Day, "day"),
            must("input_product", Kind::Text, "code of what went in"),
            must("output_product", Kind::Text, "code of what came out"),
            must("input_kg", Kind::Exact(3), "kg that went in"),
            must("output_kg", Kind::Exact(3), "kg that came out"),
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
            may("commodity", Kind::Text, "house name of what it is made of, where the master knows"),
            may("piece_kg", Kind::Exact(4), "kg in a piece"),
            may("shelf_life_days", Kind::Count, "days it can be sold"),
            may("listed_from", Kind::Day, "first day in the shops"),
            may("listed_to", Kind::Day, "last day in the shops"),
        ],
    },
    LandedTable {
        name: "promotions",
        key: &["shop", "product", "from_day"],
        columns: &[
            must("shop", Kind::Text, "shop, or * for all"),
            must("product", Kind::Text, "code in the shops"),
            must("announced_on", Kind::Day, "day on which it was decided"),
            must("from_day", Kind::Day, "first day"),
            must("to_day", Kind::Day, "last day"),
            must("price_cut_share", Kind::Exact(4), "share of the price that is cut"),
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
            may("member_tier", Kind::Text, "tier of the member who bought; empty for others"),
            may("payment", Kind::Text, "cash, phone, stored_value or account"),
            may("promotion", Kind::Text, "name of the promotion it was sold under"),
        ],
    },
    LandedTable {
        name: "shipments",
        key: &["origin", "destination", "commodity", "shipped_on"],
        columns: &[
            must("origin", Kind::Text, "base or warehouse"),
            must("destination", Kind::Text, "shop, warehouse or market"),
            must("commodity", Kind::Text, "house name"),
            must("shipped_on", Kind::Day, "day it left"),
            must("arrived_on", Kind::Day, "day it arrived"),
            must("sent_kg", Kind::Exact(3), "kg that left"),
            must("arrived_kg", Kind::Exact(3), "kg that arrived sound"),
            must("freight_cny", Kind::Exact(2), "CNY for the whole"),
        ],
    },
    LandedTable {
        name: "shops",
        key: &["shop"],
        columns: &[
            must("shop", Kind::Text, "shop or customer"),
            must("kind", Kind::Text, "shop, group (a canteen) or warehouse"),
            may("district", Kind::Text, "district"),
            may("opened_on", Kind::Day, "first day"),
            may("area_m2", Kind::Exact(1), "m2 of sales floor"),
        ],
    },
    LandedTable {
        name: "stock",
        key: &["location", "product", "day"],
        columns: &[
            must("location", Kind::Text, "shop or warehouse"),
            must("product", Kind::Text, "code in the shops"),
            must("day", Kind::Day, "day"),
            must("received_kg", Kind::Exact(3), "kg that came in"),
            must("transferred_kg", Kind::Exact(3), "kg from (above 0) or to (below 0) other places"),
            must("wasted_kg", Kind::Exact(3), "kg thrown away"),
            must("closing_kg", Kind::Exact(3), "kg left at closing"),
            may("sold_out_hour", Kind::Count, "hour of the day (0 to 23) from which the shelf was empty; empty where it was not"),
        ],
    },
    LandedTable {
        name: "weather",
        key: &["station", "day"],
        columns: &[
            must("station", Kind::Text, "weather station"),
            must("day", Kind::Day, "day"),
            must("temperature_c", Kind::Exact(1), "degrees Celsius, mean of the day"),
            may("lowest_c", Kind::Exact(1), "degrees Celsius"),
            may("highest_c", Kind::Exact(1), "degrees Celsius"),
            must("rain_mm", Kind::Exact(1), "mm"),
            may("wind_m_per_s", Kind::Exact(1), "m/s"),
            may("event", Kind::Text, "typhoon, cold wave or empty"),
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
}
