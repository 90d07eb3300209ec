//! The simulated chain's own facts: what is traded, what is sold, where. In: nothing. Out: lists.
//! Never: a figure of a real business (levels are round numbers of our own).

/// One commodity as the simulator knows it.
#[derive(Debug)]
pub(crate) struct Commodity {
    /// The house's name.
    pub name: &'static str,
    /// Names on the two markets.
    pub lingnan: &'static str,
    pub dongjiang: &'static str,
    /// As the source systems write it.
    pub group: &'static str,
    /// Level of the wholesale price, CNY/kg.
    pub price_cny_per_kg: f64,
    /// Log swing of the price over the year, and the month in which it is dearest.
    pub swing: f64,
    pub dearest: f64,
    /// Log rise at the Spring Festival.
    pub festival: f64,
    /// Standard deviation of the log price around all that.
    pub unrest: f64,
    /// Share of a typhoon that reaches the price.
    pub storm: f64,
    /// Log swing of a cycle of several years.
    pub cycle: f64,
    /// Months in which it is traded at all, both within.
    pub months: (u32, u32),
}

/// The months of the year.
const ALL: (u32, u32) = (1, 12);
/// The groups of the source systems.
const GRAIN: &str = "粮油";
const GREENS: &str = "蔬菜";
const FRUIT: &str = "水果";
const MEAT: &str = "肉禽";
const EGGS: &str = "蛋";

const fn commodity(
    [name, lingnan, dongjiang, group]: [&'static str; 4],
    price_cny_per_kg: f64,
    (swing, dearest): (f64, f64),
    festival: f64,
    (unrest, storm): (f64, f64),
) -> Commodity {
    Commodity { name, lingnan, dongjiang, group, price_cny_per_kg, swing, dearest, festival, unrest, storm, cycle: 0.0, months: ALL }
}

/// What both markets trade.
pub(crate) const COMMODITIES: &[Commodity] = &[
    commodity(["早稻", "早籼稻", "早稻", GRAIN], 2.75, (0.03, 5.5), 0.0, (0.03, 0.0)),
    commodity(["晚稻", "晚籼稻", "晚稻", GRAIN], 2.95, (0.03, 8.5), 0.0, (0.03, 0.0)),
    commodity(["花生", "花生米", "花生", GRAIN], 9.2, (0.05, 5.5), 0.04, (0.06, 0.0)),
    commodity(["菜心", "菜心", "菜心", GREENS], 5.6, (0.22, 8.5), 0.25, (0.17, 1.0)),
    commodity(["小白菜", "上海青", "小白菜", GREENS], 3.6, (0.22, 8.5), 0.25, (0.18, 1.0)),
    commodity(["生菜", "西生菜", "生菜", GREENS], 4.8, (0.24, 8.0), 0.35, (0.18, 0.8)),
    commodity(["菠菜", "菠菜", "菠菜", GREENS], 6.2, (0.30, 8.5), 0.25, (0.18, 0.6)),
    commodity(["空心菜", "通菜", "空心菜", GREENS], 3.7, (0.28, 1.8), 0.10, (0.16, 1.0)),
    commodity(["番茄", "西红柿", "番茄", GREENS], 4.9, (0.24, 9.5), 0.15, (0.15, 0.3)),
    commodity(["豇豆", "豆角", "豇豆", GREENS], 6.8, (0.28, 1.5), 0.20, (0.17, 0.8)),
    commodity(["冬瓜", "冬瓜", "冬瓜", GREENS], 1.9, (0.26, 3.0), 0.10, (0.16, 0.3)),
    commodity(["马铃薯", "土豆", "马铃薯", GREENS], 2.9, (0.16, 9.0), 0.08, (0.10, 0.0)),
    commodity(["甜玉米", "玉米(甜)", "甜玉米", GREENS], 3.8, (0.18, 2.0), 0.08, (0.12, 0.3)),
    commodity(["香蕉", "香蕉", "香蕉", FRUIT], 4.4, (0.14, 4.0), 0.06, (0.12, 0.4)),
    commodity(["西瓜", "西瓜", "西瓜", FRUIT], 3.2, (0.30, 1.5), 0.10, (0.13, 0.2)),
    Commodity { months: (5, 7), ..commodity(["荔枝", "荔枝", "荔枝", FRUIT], 15.0, (0.30, 5.2), 0.0, (0.18, 0.4)) },
    Commodity { cycle: 0.26, ..commodity(["生猪", "生猪", "生猪", MEAT], 15.5, (0.05, 1.0), 0.06, (0.05, 0.0)) },
    Commodity { cycle: 0.06, ..commodity(["黄羽鸡", "清远鸡", "黄羽鸡", MEAT], 16.5, (0.06, 1.0), 0.16, (0.06, 0.0)) },
    Commodity { cycle: 0.08, ..commodity(["鸡蛋", "鲜鸡蛋", "鸡蛋", EGGS], 9.4, (0.09, 9.0), 0.05, (0.06, 0.0)) },
];

/// One product of the shops.
#[derive(Debug)]
pub(crate) struct Product {
    pub code: &'static str,
    /// What the till prints; before the renaming it printed `old_name`.
    pub name: &'static str,
    pub old_name: Option<&'static str>,
    /// The commodity behind it.
    pub commodity: &'static str,
    /// Content of a piece; none for what is weighed.
    pub piece_kg: Option<f64>,
    /// What a middling shop sells on a middling day, kg.
    pub kg_per_day: f64,
    /// Retail price over wholesale price.
    pub markup: f64,
    /// Change of the sold log kg by a change of the log price.
    pub elasticity: f64,
    /// Log swing of the demand over the year, and its month.
    pub swing: f64,
    pub month: f64,
    /// Share lost in the shop.
    pub loss_share: f64,
}

const fn weighed(
    [code, name, commodity]: [&'static str; 3],
    kg_per_day: f64,
    (markup, elasticity): (f64, f64),
    (swing, month): (f64, f64),
    loss_share: f64,
) -> Product {
    Product { code, name, old_name: None, commodity, piece_kg: None, kg_per_day, markup, elasticity, swing, month, loss_share }
}

/// What the shops sell; codes are their own.
pub(crate) const PRODUCTS: &[Product] = &[
    weighed(["1001", "菜心", "菜心"], 90.0, (1.55, -1.1), (0.12, 12.5), 0.12),
    Product { piece_kg: Some(0.3), ..weighed(["1002", "菜心(份)", "菜心"], 18.0, (1.9, -1.4), (0.10, 12.5), 0.08) },
    Product { old_name: Some("小白菜"), ..weighed(["1003", "上海青", "小白菜"], 70.0, (1.6, -1.1), (0.12, 12.5), 0.13) },
    weighed(["1004", "生菜", "生菜"], 55.0, (1.6, -1.0), (0.25, 12.5), 0.14),
    Product { piece_kg: Some(0.25), ..weighed(["1005", "生菜(份)", "生菜"], 12.0, (2.0, -1.3), (0.20, 12.5), 0.09) },
    weighed(["1006", "菠菜", "菠菜"], 35.0, (1.6, -1.0), (0.30, 12.8), 0.16),
    weighed(["1007", "空心菜", "空心菜"], 60.0, (1.6, -1.0), (0.55, 7.5), 0.14),
    weighed(["1011", "番茄", "番茄"], 75.0, (1.5, -0.9), (0.08, 8.5), 0.07),
    weighed(["1012", "豇豆", "豇豆"], 40.0, (1.5, -1.0), (0.30, 7.0), 0.09),
    weighed(["1013", "冬瓜", "冬瓜"], 65.0, (1.7, -0.7), (0.35, 7.5), 0.05),
    weighed(["1014", "马铃薯", "马铃薯"], 60.0, (1.6, -0.6), (0.08, 12.5), 0.04),
    weighed(["1015", "甜玉米", "甜玉米"], 35.0, (1.6, -1.0), (0.15, 7.5), 0.06),
    weighed(["2001", "香蕉", "香蕉"], 60.0, (1.6, -1.0), (0.08, 10.0), 0.10),
    weighed(["2002", "西瓜", "西瓜"], 90.0, (1.5, -1.3), (0.70, 7.3), 0.06),
    weighed(["2003", "荔枝", "荔枝"], 80.0, (1.5, -1.5), (0.20, 6.3), 0.12),
    weighed(["3001", "猪肉", "生猪"], 95.0, (1.85, -0.7), (0.08, 12.8), 0.03),
    weighed(["3002", "光鸡", "黄羽鸡"], 30.0, (1.6, -1.0), (0.10, 12.8), 0.04),
    weighed(["4001", "鸡蛋", "鸡蛋"], 45.0, (1.2, -0.5), (0.05, 9.0), 0.02),
    Product { piece_kg: Some(1.8), ..weighed(["4002", "鸡蛋30枚(板)", "鸡蛋"], 30.0, (1.15, -0.9), (0.05, 9.0), 0.02) },
    weighed(["5001", "花生米", "花生"], 8.0, (1.5, -0.8), (0.10, 12.5), 0.01),
    Product { piece_kg: Some(5.0), ..weighed(["5002", "丝苗米5公斤(袋)", "晚稻"], 60.0, (2.3, -0.5), (0.04, 12.5), 0.01) },
];

/// Names of the first shops, and how big each is beside a middling one; further ones are numbered.
pub(crate) const SHOPS: &[(&str, f64)] =
    &[("天河店", 1.25), ("海珠店", 1.0), ("番禺店", 0.8), ("荔湾店", 0.9), ("白云店", 1.1), ("黄埔店", 0.7)];

/// The commodity of that name.
pub(crate) fn place_of(name: &str) -> usize {
    COMMODITIES.iter().position(|commodity| commodity.name == name).expect("a test looks up each product's commodity")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_product_has_its_commodity_and_pieces_carry_their_word() {
        for product in PRODUCTS {
            assert!(place_of(product.commodity) < COMMODITIES.len());
            let word = ["(份)", "(袋)", "(板)"].iter().any(|word| product.name.ends_with(word));
            assert_eq!(word, product.piece_kg.is_some(), "{}", product.name);
        }
    }
}
