//! Two issues of one plan: what the second says of the first. In: the demo's folder. Never: a run of its own.

use crate::{nongshi, text};
use chrono::NaiveDate;
use std::path::Path;

/// One answer as CSV.
fn asked(at: &str, query: &str) -> String {
    let answer = nongshi(&[], &["-C", at, "sql", "--format", "csv", "-c", query]);
    assert!(answer.status.success(), "{}", text(&answer.stderr));
    text(&answer.stdout)
}

/// Reads both issues of the demo.
pub fn the_second_is_held_against_the_first(at: &str, first: NaiveDate, latest: NaiveDate) {
    let page = |day: NaiveDate, name: &str| {
        std::fs::read_to_string(Path::new(at).join(format!("reports/{day}/{name}.zh.html"))).expect("a report of that day")
    };
    let bases = asked(at, "select distinct base from plan_summary order by base");
    for base in bases.lines().skip(1) {
        let (old, new) = (page(first, base), page(latest, base));
        assert!(old.contains("这是第一期") && !old.contains("比上期多"), "{base}: a first issue compares with nothing");
        assert!(!new.contains("这是第一期") && new.contains("落在八成区间"), "{base}: the second tells how good the first was");
        assert!(new.contains("那一期相比") || new.contains("这两周不下种"), "{base}: its verdicts name the first");
    }
    // what the review counts: whole weeks that were forecast on the first day and are over on the second
    let last_whole = nongshi_domain::week_start(latest + chrono::Days::new(1)) - chrono::Days::new(7);
    let weeks = asked(
        at,
        &format!(
            "select count(*) from demand_forecast f join sales_weekly s on s.commodity = f.commodity and s.week = f.day \
             where f.as_of = '{first}' and f.model = 'combination' and s.week <= date '{last_whole}'"
        ),
    );
    let counted = weeks.lines().nth(1).expect("a count");
    let sum: u32 = page(latest, "chain")
        .split("需求</th>")
        .skip(1)
        .filter_map(|row| row.split_once("次中")?.0.rsplit('>').next()?.parse::<u32>().ok())
        .sum();
    assert_eq!(sum.to_string(), counted);
    // a kilogram of the shops' demand is promised to one base only, and what stands in a house is harvested
    let parts = asked(
        at,
        "with s as (select distinct as_of, base, crop, shop_share from plan_outlook where own) \
         select count(*) from (select as_of, crop, sum(shop_share) as parts from s group by as_of, crop) t where parts > 1.000001",
    );
    assert_eq!(parts, "count(*)\n0\n");
    let eggs = asked(at, &format!("select sum(ripe_kg) > 0 from harvest_plan where as_of = '{latest}' and crop = '鸡蛋'"));
    assert!(eggs.ends_with("true\n"), "{eggs}");
    assert!(bases.lines().skip(1).any(|base| page(latest, base).contains("千羽")), "hens are counted in thousands");
}
