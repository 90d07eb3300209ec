//! What was asked for at the shelves, whether it was there or not: for tests only. In: shelf days. Out: rows of the
//! truth. Never: into the inbox.

use crate::files::Out;
use crate::products::Product;
use crate::shelf::ShelfDay;
use crate::text::Rows;
use std::io;

const HEADER: &str = "shop,product,day,asked_shop_kg,asked_online_kg,sold_kg\n";

/// One shelf's day.
pub(crate) fn row(rows: &mut Rows, shop: &str, date: &str, product: &Product, day: &ShelfDay) {
    rows.text(shop).text(&product.code).text(date).thousandths(day.asked[0]).thousandths(day.asked[1]);
    rows.thousandths(day.sold.iter().sum()).end();
}

/// One shop's period.
pub(crate) fn demand(stamp: &str, rows: &Rows, out: &mut Out<'_>) -> io::Result<()> {
    out.truth_rows(&format!("truth/demand_{stamp}.csv"), HEADER, rows)
}
