//! In which forms a commodity is sold. In: a group or a commodity. Out: names, contents, shares. Never: a product code.

use crate::commodities::{Commodity, Group};

/// One form of a commodity on the shelf.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Form {
    /// `{}` stands for the commodity's name.
    pub name: &'static str,
    /// Content of a piece, kg; none for what is weighed.
    pub piece_kg: Option<f64>,
    /// Retail price over wholesale price.
    pub markup: f64,
    /// Weight among the forms of the commodity.
    pub share: f64,
    /// kg of output from a kg of raw product, where it is made in the warehouse.
    pub made: Option<f64>,
}

const fn form(name: &'static str, piece_kg: Option<f64>, markup: f64, share: f64) -> Form {
    Form { name, piece_kg, markup, share, made: None }
}

const GREENS: &[Form] = &[
    form("{}", None, 1.55, 0.55),
    form("{}(份)", Some(0.3), 1.9, 0.13),
    Form { made: Some(0.82), ..form("净{}(份)", Some(0.35), 2.4, 0.08) },
    form("精品{}", None, 2.1, 0.10),
    form("{}(袋)", Some(0.5), 1.8, 0.07),
    form("有机{}(份)", Some(0.25), 3.2, 0.04),
    Form { made: Some(0.7), ..form("{}配菜(盒)", Some(0.4), 2.6, 0.03) },
];
const FRUIT: &[Form] = &[
    form("{}", None, 1.55, 0.60),
    form("精品{}", None, 2.0, 0.14),
    Form { made: Some(0.78), ..form("{}果切(盒)", Some(0.4), 3.0, 0.08) },
    form("{}(箱)", Some(5.0), 1.4, 0.10),
    form("{}礼盒(盒)", Some(2.5), 2.2, 0.08),
];
const HOG: &[Form] = &[
    form("猪肉", None, 1.85, 0.40),
    Form { made: Some(0.72), ..form("排骨", None, 3.1, 0.15) },
    form("瘦肉", None, 2.1, 0.25),
    Form { made: Some(0.93), ..form("肉末(份)", Some(0.3), 2.2, 0.08) },
    form("猪蹄", None, 2.0, 0.07),
    form("五花肉(份)", Some(0.4), 2.3, 0.05),
];
const CHICKEN: &[Form] = &[
    form("光鸡", None, 1.6, 0.55),
    Form { made: Some(0.8), ..form("鸡腿(份)", Some(0.5), 2.0, 0.20) },
    form("鸡翅(份)", Some(0.4), 2.6, 0.15),
    form("鸡胸肉(份)", Some(0.4), 1.6, 0.10),
];
const MEAT: &[Form] = &[
    form("{}", None, 1.4, 0.7),
    Form { made: Some(0.95), ..form("{}片(份)", Some(0.25), 1.9, 0.2) },
    form("精品{}(份)", Some(0.4), 2.1, 0.1),
];
const EGGS: &[Form] = &[
    form("{}", None, 1.2, 0.45),
    form("{}30枚(板)", Some(1.8), 1.15, 0.35),
    form("{}10枚(盒)", Some(0.62), 1.4, 0.12),
    form("土{}10枚(盒)", Some(0.5), 2.4, 0.08),
];
const LATE_RICE: &[Form] =
    &[form("丝苗米5公斤(袋)", Some(5.0), 2.3, 0.5), form("丝苗米10公斤(袋)", Some(10.0), 2.1, 0.3), form("散装丝苗米", None, 1.9, 0.2)];
const EARLY_RICE: &[Form] = &[form("早籼米10公斤(袋)", Some(10.0), 1.8, 0.7), form("米粉(袋)", Some(0.8), 3.2, 0.3)];
const OIL: &[Form] =
    &[form("花生油5升(桶)", Some(4.6), 1.45, 0.6), form("花生油1.8升(瓶)", Some(1.65), 1.6, 0.3), form("散装花生油", None, 1.3, 0.1)];
const DRY: &[Form] = &[form("{}", None, 1.5, 0.7), form("{}(袋)", Some(0.5), 1.8, 0.3)];

/// The forms of a commodity, the commonest first.
pub(crate) fn of(commodity: &Commodity) -> &'static [Form] {
    match (commodity.name, commodity.group) {
        ("生猪", _) => HOG,
        ("黄羽鸡", _) => CHICKEN,
        ("晚稻", _) => LATE_RICE,
        ("早稻", _) => EARLY_RICE,
        ("花生油", _) => OIL,
        (_, Group::Greens) => GREENS,
        (_, Group::Fruit) => FRUIT,
        (_, Group::Meat) => MEAT,
        (_, Group::Eggs) => EGGS,
        (_, Group::Grain) => DRY,
    }
}

/// What a middling shop sells of a commodity on a middling day, kg.
pub(crate) fn kg_per_day(commodity: &Commodity) -> f64 {
    match commodity.name {
        "菜心" => 96.0,
        "小白菜" => 70.0,
        "生菜" => 62.0,
        "番茄" | "冬瓜" => 66.0,
        "马铃薯" | "空心菜" => 56.0,
        "西瓜" => 84.0,
        "荔枝" => 70.0,
        "香蕉" | "苹果" => 52.0,
        "生猪" => 95.0,
        "黄羽鸡" => 34.0,
        "牛肉" => 9.0,
        "鸡蛋" => 72.0,
        "晚稻" => 64.0,
        "早稻" => 12.0,
        "花生" | "黄豆" => 8.0,
        "生姜" => 7.0,
        "鸭蛋" => 6.0,
        _ => match commodity.group {
            Group::Greens => 34.0,
            Group::Fruit => 38.0,
            Group::Meat => 14.0,
            Group::Eggs => 12.0,
            Group::Grain => 10.0,
        },
    }
}
