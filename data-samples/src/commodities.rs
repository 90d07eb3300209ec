//! What the markets trade. In: nothing. Out: the list. Never: a figure of a real business (levels are round numbers of
//! our own).

/// A source system's group, and how its prices are quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Grain,
    Greens,
    Fruit,
    Meat,
    Eggs,
}

/// One commodity as the simulator knows it.
#[derive(Debug)]
pub(crate) struct Commodity {
    /// The house's name.
    pub name: &'static str,
    /// Its name on the market of 岭南.
    pub lingnan: &'static str,
    pub group: Group,
    /// Level of the wholesale price, CNY/kg.
    pub price_cny_per_kg: f64,
    /// Log swing of the price over the year, and the month in which it is dearest.
    pub swing: f64,
    pub dearest: f64,
    /// Log rise at the Spring Festival.
    pub festival: f64,
    /// Standard deviation of the log price around all that.
    pub unrest: f64,
    /// Share of a typhoon, and of a cold wave, that reaches the price.
    pub storm: f64,
    /// Log swing of a cycle of several years.
    pub cycle: f64,
    /// Months in which it is traded at all, both within.
    pub months: (u32, u32),
    /// Log swing of the demand over the year, and its month.
    pub thirst: f64,
    pub thirstiest: f64,
    /// Days it can be sold after it came into the shop.
    pub shelf_life_days: u32,
}

impl Group {
    /// As the source systems write it.
    pub fn word(self) -> &'static str {
        match self {
            Group::Grain => "粮油",
            Group::Greens => "蔬菜",
            Group::Fruit => "水果",
            Group::Meat => "肉禽",
            Group::Eggs => "蛋",
        }
    }

    /// Chance that a market writes a new price on a day, and the log noise of what it writes.
    pub fn quoting(self) -> (f64, f64) {
        match self {
            Group::Greens => (0.45, 0.06),
            Group::Fruit => (0.13, 0.05),
            Group::Grain => (0.10, 0.008),
            Group::Meat | Group::Eggs => (0.60, 0.006),
        }
    }

    /// Share of yesterday's unrest that is left today.
    pub fn memory(self) -> f64 {
        match self {
            Group::Greens => 0.972,
            Group::Fruit => 0.975,
            Group::Grain => 0.995,
            Group::Meat | Group::Eggs => 0.999,
        }
    }
}

const fn commodity(
    [name, lingnan]: [&'static str; 2],
    group: Group,
    price_cny_per_kg: f64,
    (swing, dearest): (f64, f64),
    (festival, unrest, storm): (f64, f64, f64),
    (thirst, thirstiest): (f64, f64),
    shelf_life_days: u32,
) -> Commodity {
    let (cycle, months) = (0.0, (1, 12));
    Commodity {
        name,
        lingnan,
        group,
        price_cny_per_kg,
        swing,
        dearest,
        festival,
        unrest,
        storm,
        cycle,
        months,
        thirst,
        thirstiest,
        shelf_life_days,
    }
}

use Group::{Eggs, Fruit, Grain, Greens, Meat};

/// What both markets trade.
pub(crate) const COMMODITIES: &[Commodity] = &[
    commodity(["早稻", "早籼稻"], Grain, 2.75, (0.03, 5.5), (0.0, 0.04, 0.0), (0.0, 1.0), 360),
    commodity(["晚稻", "晚籼稻"], Grain, 2.95, (0.03, 8.5), (0.0, 0.04, 0.0), (0.04, 12.5), 180),
    commodity(["花生", "花生米"], Grain, 9.2, (0.06, 5.5), (0.04, 0.07, 0.0), (0.10, 12.5), 180),
    commodity(["花生油", "花生油(散)"], Grain, 16.5, (0.03, 1.0), (0.04, 0.05, 0.0), (0.12, 12.8), 360),
    commodity(["黄豆", "大豆"], Grain, 6.1, (0.04, 6.0), (0.0, 0.06, 0.0), (0.08, 11.0), 240),
    commodity(["菜心", "菜心"], Greens, 5.6, (0.49, 8.5), (0.25, 0.24, 1.0), (0.12, 12.5), 2),
    commodity(["小白菜", "上海青"], Greens, 3.6, (0.52, 8.5), (0.25, 0.26, 1.0), (0.12, 12.5), 2),
    commodity(["生菜", "西生菜"], Greens, 4.8, (0.55, 8.0), (0.35, 0.26, 0.8), (0.25, 12.5), 2),
    commodity(["菠菜", "菠菜"], Greens, 6.2, (0.62, 8.5), (0.25, 0.26, 0.6), (0.30, 12.8), 2),
    commodity(["空心菜", "通菜"], Greens, 3.7, (0.60, 1.8), (0.10, 0.24, 1.0), (0.55, 7.5), 2),
    commodity(["芥蓝", "芥兰"], Greens, 5.8, (0.55, 8.4), (0.25, 0.24, 0.9), (0.28, 12.6), 2),
    commodity(["苋菜", "苋菜"], Greens, 4.6, (0.52, 2.0), (0.12, 0.25, 0.9), (0.35, 6.5), 2),
    commodity(["油麦菜", "油麦菜"], Greens, 4.2, (0.52, 8.6), (0.25, 0.25, 0.8), (0.10, 12.5), 2),
    commodity(["大白菜", "黄芽白"], Greens, 2.1, (0.47, 7.5), (0.15, 0.22, 0.3), (0.30, 12.8), 5),
    commodity(["包菜", "椰菜"], Greens, 2.3, (0.44, 8.0), (0.15, 0.24, 0.3), (0.10, 11.5), 5),
    commodity(["番茄", "西红柿"], Greens, 4.9, (0.47, 9.5), (0.15, 0.22, 0.3), (0.08, 8.5), 4),
    commodity(["黄瓜", "青瓜"], Greens, 4.4, (0.57, 1.5), (0.20, 0.25, 0.5), (0.25, 7.0), 3),
    commodity(["苦瓜", "凉瓜"], Greens, 5.4, (0.62, 1.8), (0.12, 0.22, 0.5), (0.40, 7.5), 3),
    commodity(["丝瓜", "胜瓜"], Greens, 5.6, (0.62, 1.6), (0.15, 0.22, 0.6), (0.40, 7.5), 3),
    commodity(["豇豆", "豆角"], Greens, 6.8, (0.60, 1.5), (0.20, 0.23, 0.8), (0.30, 7.0), 3),
    commodity(["冬瓜", "冬瓜"], Greens, 1.9, (0.49, 3.0), (0.10, 0.22, 0.3), (0.35, 7.5), 8),
    commodity(["节瓜", "毛瓜"], Greens, 4.0, (0.57, 1.8), (0.12, 0.22, 0.5), (0.35, 7.0), 4),
    commodity(["茄子", "矮瓜"], Greens, 5.0, (0.55, 1.6), (0.15, 0.22, 0.4), (0.12, 8.0), 4),
    commodity(["辣椒", "尖椒"], Greens, 5.9, (0.52, 1.8), (0.20, 0.24, 0.3), (0.05, 10.0), 4),
    commodity(["马铃薯", "土豆"], Greens, 2.9, (0.39, 9.0), (0.08, 0.15, 0.0), (0.08, 12.5), 12),
    commodity(["胡萝卜", "红萝卜"], Greens, 3.0, (0.39, 9.0), (0.08, 0.16, 0.0), (0.12, 12.0), 10),
    commodity(["白萝卜", "白萝卜"], Greens, 1.9, (0.47, 8.5), (0.12, 0.22, 0.2), (0.28, 12.5), 5),
    commodity(["莲藕", "莲藕"], Greens, 6.6, (0.44, 7.0), (0.25, 0.18, 0.0), (0.25, 12.0), 5),
    commodity(["洋葱", "葱头"], Greens, 2.6, (0.44, 3.5), (0.05, 0.22, 0.0), (0.05, 11.0), 14),
    commodity(["生姜", "肉姜"], Greens, 10.5, (0.26, 9.0), (0.10, 0.20, 0.0), (0.15, 12.5), 20),
    commodity(["甜玉米", "玉米(甜)"], Greens, 3.8, (0.42, 2.0), (0.08, 0.18, 0.3), (0.15, 7.5), 3),
    commodity(["香蕉", "香蕉"], Fruit, 4.4, (0.24, 4.0), (0.06, 0.15, 0.4), (0.08, 10.0), 4),
    commodity(["西瓜", "西瓜"], Fruit, 3.2, (0.38, 1.5), (0.10, 0.16, 0.2), (0.70, 7.3), 5),
    Commodity { months: (5, 7), ..commodity(["荔枝", "荔枝"], Fruit, 15.0, (0.30, 5.2), (0.0, 0.18, 0.4), (0.20, 6.3), 3) },
    Commodity { months: (7, 9), ..commodity(["龙眼", "龙眼"], Fruit, 11.0, (0.28, 7.0), (0.0, 0.17, 0.4), (0.20, 8.3), 3) },
    commodity(["柑橘", "砂糖桔"], Fruit, 5.2, (0.40, 8.0), (0.20, 0.15, 0.0), (0.45, 12.5), 8),
    commodity(["柚子", "蜜柚"], Fruit, 4.6, (0.30, 6.5), (0.10, 0.14, 0.0), (0.50, 10.0), 15),
    commodity(["苹果", "红富士"], Fruit, 8.6, (0.16, 7.5), (0.15, 0.10, 0.0), (0.12, 12.0), 14),
    commodity(["葡萄", "巨峰葡萄"], Fruit, 10.2, (0.32, 3.0), (0.10, 0.16, 0.0), (0.40, 8.3), 4),
    Commodity { cycle: 0.30, ..commodity(["生猪", "生猪"], Meat, 15.5, (0.02, 1.0), (0.04, 0.18, 0.0), (0.08, 12.8), 2) },
    Commodity { cycle: 0.16, ..commodity(["黄羽鸡", "清远鸡"], Meat, 16.5, (0.02, 1.0), (0.07, 0.15, 0.0), (0.10, 12.8), 2) },
    Commodity { cycle: 0.10, ..commodity(["牛肉", "鲜牛肉"], Meat, 66.0, (0.01, 1.0), (0.02, 0.12, 0.0), (0.15, 12.8), 2) },
    Commodity { cycle: 0.14, ..commodity(["鸭", "光鸭"], Meat, 15.0, (0.02, 8.5), (0.03, 0.14, 0.0), (0.08, 8.8), 2) },
    Commodity { cycle: 0.10, ..commodity(["鸡蛋", "鲜鸡蛋"], Eggs, 9.4, (0.07, 9.0), (0.04, 0.11, 0.0), (0.05, 9.0), 20) },
    commodity(["鸭蛋", "鲜鸭蛋"], Eggs, 11.8, (0.05, 6.0), (0.04, 0.10, 0.0), (0.20, 6.2), 20),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_every_group_is_there() {
        let names: BTreeSet<&str> = COMMODITIES.iter().map(|commodity| commodity.name).collect();
        assert_eq!(names.len(), COMMODITIES.len());
        for group in [Grain, Greens, Fruit, Meat, Eggs] {
            assert!(COMMODITIES.iter().filter(|commodity| commodity.group == group).count() >= 2, "{group:?}");
        }
    }
}
