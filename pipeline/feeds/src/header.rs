//! What a header says: the column it may be, the unit in its brackets, the form of the days below it. In: a header,
//! cells. Out: one of our words, or nothing. Never: a unit that does not stand there.

use chrono::NaiveDate;
use nongshi_domain::{LandedTable, Measure, Unit};

/// What systems call our columns; the first that fits a table's column counts. Lower case, without the unit.
const MEANINGS: &[(&str, &[&str])] = &[
    ("area_mu", &["area_mu", "area", "面积"]),
    ("base", &["base", "farm", "基地"]),
    ("category", &["category", "类别", "分类", "品类"]),
    ("commodity", &["commodity", "product", "name", "variety", "品名", "品种", "产品", "商品", "名称", "商品名称"]),
    ("day", &["day", "date", "日期", "销售日期", "发布日期", "时间", "采集时间"]),
    ("grade", &["grade", "等级", "规格"]),
    ("high_cny_per_kg", &["high", "high_price", "highest", "max_price", "最高价", "最高"]),
    ("low_cny_per_kg", &["low", "low_price", "lowest", "min_price", "最低价", "最低"]),
    ("market", &["market", "市场", "市场名称", "批发市场"]),
    ("plot", &["plot", "地块", "地块名称"]),
    ("price_cny_per_kg", &["price", "average", "avg_price", "average_price", "unit_price", "均价", "平均价", "价格", "单价", "销售单价"]),
    ("product", &["product", "sku", "item", "product_id", "item code", "单品编码", "商品编码", "编码"]),
    ("product_name", &["product_name", "item name", "name", "单品名称", "商品名称", "品名"]),
    ("quantity_kg", &["quantity", "qty", "weight", "sold", "销量", "数量", "重量", "销售数量"]),
    ("shop", &["shop", "store", "门店", "店铺", "门店名称"]),
    ("system", &["system", "类型", "地块类型"]),
];
/// Forms of a day, each tried on all cells; a form that leaves day and month open stands behind those that do not.
const FORMS: [&str; 8] = ["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y.%m.%d", "%Y年%m月%d日", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y", "%m/%d/%Y"];

/// One header.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// As it stands there.
    pub name: String,
    /// Without its unit, in lower case.
    plain: String,
    /// The unit in its brackets, or at its end.
    unit: Option<String>,
}

/// Takes a header apart: `最低价（元/斤）` is `最低价` in `元/斤`.
pub(crate) fn header(name: &str) -> Header {
    let mut parts = name.splitn(2, ['(', '（', '[', '【']);
    let plain = parts.next().unwrap_or_default().trim().to_lowercase();
    let unit = parts.next().map(|unit| {
        unit.trim_end_matches([')', '）', ']', '】', ' ']).trim_start_matches("单位：").trim_start_matches("单位:").trim().to_string()
    });
    let (plain, unit) = match (unit, plain.rsplit_once('_')) {
        (None, Some((front, unit))) if unit == "kg" && front.ends_with("cny_per") => {
            (front.trim_end_matches("cny_per").trim_end_matches('_').to_string(), Some("CNY/kg".to_string()))
        }
        (None, Some((front, unit))) if matches!(unit, "kg" | "mu") => (front.to_string(), Some(unit.to_string())),
        (unit, _) => (plain, unit),
    };
    Header { name: name.into(), plain, unit }
}

impl Header {
    /// The column of the table that it means: by its own name, or by a name that systems give it.
    pub fn meaning_in(&self, table: &LandedTable) -> Option<&'static str> {
        let own = table.columns.iter().map(|column| column.name).find(|name| *name == self.name);
        let given = || {
            MEANINGS
                .iter()
                .filter(|(_, names)| names.contains(&self.plain.as_str()))
                .find_map(|(meaning, _)| table.columns.iter().map(|column| column.name).find(|name| name == meaning))
        };
        own.or_else(given)
    }

    /// The unit it tells, if it is one of that measure that needs no content.
    pub fn unit_of(&self, measure: Measure) -> Option<&str> {
        let unit = self.unit.as_deref()?;
        Unit::parse(unit, None).is_ok_and(|unit| unit.measure() == measure).then_some(unit)
    }
}

/// The fewest forms that read every cell; none when some cell is read by none, or when day and month cannot be told.
pub(crate) fn dates_of(cells: &[&str]) -> Option<Vec<&'static str>> {
    let reads = |form: &str, cell: &str| NaiveDate::parse_from_str(cell, form).is_ok();
    let (mut forms, mut left) = (Vec::new(), cells.to_vec());
    for form in &FORMS[..6] {
        let before = left.len();
        left.retain(|cell| !reads(form, cell));
        if left.len() < before {
            forms.push(*form);
        }
    }
    let whole: Vec<&'static str> = FORMS[6..].iter().copied().filter(|form| left.iter().all(|cell| reads(form, cell))).collect();
    match (left.is_empty(), whole.as_slice()) {
        (true, _) => (!forms.is_empty()).then_some(forms),
        (false, [only]) => Some(forms.into_iter().chain([*only]).collect()),
        (false, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_tells_its_meaning_and_its_unit() {
        let prices = LandedTable::named("market_prices").expect("a landed table");
        for (name, meaning, unit) in [
            ("最低价（元/斤）", Some("low_cny_per_kg"), Some("元/斤")),
            ("Price", Some("price_cny_per_kg"), None),
            ("price_cny_per_kg", Some("price_cny_per_kg"), Some("CNY/kg")),
            ("均价(元/箱)", Some("price_cny_per_kg"), None),
            ("备注", None, None),
        ] {
            let header = header(name);
            assert_eq!((header.meaning_in(prices), header.unit_of(Measure::Price)), (meaning, unit), "{name}");
        }
    }

    #[test]
    fn days_are_read_by_the_fewest_forms_and_never_guessed() {
        for (cells, expect) in [
            (&["2024-02-01", "2024-2-3"][..], Some(vec!["%Y-%m-%d"])),
            (&["2024/02/01", "2024年2月3日"], Some(vec!["%Y/%m/%d", "%Y年%m月%d日"])),
            (&["20240201"], Some(vec!["%Y%m%d"])),
            (&["13/02/2024", "01/02/2024"], Some(vec!["%d/%m/%Y"])),
            (&["01/02/2024"], None),
            (&["soon"], None),
            (&[], None),
        ] {
            assert_eq!(dates_of(cells), expect, "{cells:?}");
        }
    }
}
