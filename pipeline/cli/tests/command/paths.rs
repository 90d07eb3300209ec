//! The table of joint sample paths beside the forecasts it belongs to. In: a folder that was run. Never: a run of its own.

use crate::{nongshi, text};

/// Paths a panel, by default.
const PATHS: u32 = 100;

/// An answer as CSV lines, the header first.
fn asked(at: &str, query: &str) -> Vec<String> {
    let answer = nongshi(&[], &["-C", at, "sql", "--format", "csv", "-c", query]);
    assert!(answer.status.success(), "{query}\n{}", text(&answer.stderr));
    text(&answer.stdout).lines().map(String::from).collect()
}

/// Reads the paths of every issue of the demo.
pub fn paths_belong_to_their_forecasts(at: &str) {
    let columns = asked(at, "select * from forecast_paths limit 1");
    assert_eq!(columns[0], "key,category,target,cadence,cutoff,day,horizon,path,follows,value,unit,as_of");
    let forecasts = "(select *, 'price' as target from price_forecast union all select *, 'demand' as target from demand_forecast)";
    // of each step that a plan speaks with all paths, and no other
    let counted = format!(
        "select count(*) as steps, sum(case when n = {PATHS} and paths = {PATHS} then 1 else 0 end) as whole, \
         sum(case when f.key is null or p.key is null then 1 else 0 end) as alone \
         from (select * from {forecasts} t where model = 'combination') f full join \
         (select target, category, key, day, horizon, cutoff, as_of, count(*) as n, count(distinct path) as paths from forecast_paths \
         where path >= 0 and path < {PATHS} group by target, category, key, day, horizon, cutoff, as_of) p \
         on p.target = f.target and p.category = f.category and p.key = f.key and p.day = f.day and p.horizon = f.horizon \
         and p.cutoff = f.cutoff and p.as_of = f.as_of"
    );
    let counted = asked(at, &counted);
    let [steps, whole, alone] = counted[1].split(',').collect::<Vec<_>>()[..] else { panic!("{counted:?}") };
    assert!(steps == whole && alone == "0" && steps.parse::<u32>().is_ok_and(|steps| steps > 1_000), "{counted:?}");
    // of a hundred as many lie outside a quantile as it says; rounding of a product may part what is equal
    let odds = format!(
        "with o as (select f.as_of, f.target, f.category, f.key, f.day, \
         sum(case when p.value < f.q10 * (1 - 1e-9) then 1 else 0 end) as below, sum(case when p.value <= f.q10 * (1 + 1e-9) then 1 else 0 end) as to_q10, \
         sum(case when p.value <= f.q50 * (1 + 1e-9) then 1 else 0 end) as to_q50, \
         sum(case when p.value > f.q90 * (1 + 1e-9) then 1 else 0 end) as above, sum(case when p.value >= f.q90 * (1 - 1e-9) then 1 else 0 end) as from_q90 \
         from {forecasts} f join forecast_paths p on p.target = f.target and p.category = f.category and p.key = f.key and p.day = f.day \
         and p.as_of = f.as_of where f.model = 'combination' group by f.as_of, f.target, f.category, f.key, f.day) \
         select count(*) from o where below > 10 or to_q10 < 10 or to_q50 < 50 or above > 10 or from_q90 < 10"
    );
    assert_eq!(asked(at, &odds)[1], "0", "{odds}");
    for broken in [
        "value < 0 or value is null",
        "cutoff > cast(as_of as date) or day <= cutoff or follows >= cutoff",
        "unit <> case when target = 'price' then 'CNY/kg' else 'kg' end",
    ] {
        assert_eq!(asked(at, &format!("select count(*) from forecast_paths where {broken}"))[1], "0", "{broken}");
    }
    // a path follows one day, in prices and in demand of one horizon
    let days = "select count(*) as paths, sum(case when days = 1 then 1 else 0 end) as one from (select as_of, path, count(distinct follows) as days \
                from forecast_paths where category = 'vegetables' group by as_of, path)";
    let days = asked(at, days);
    let (paths, one) = days[1].split_once(',').expect("two counts");
    assert!(paths == one && paths == (2 * PATHS).to_string(), "{days:?}");
    let targets = asked(at, "select distinct target from forecast_paths where category = 'vegetables' order by 1");
    assert_eq!(targets[1..], ["demand", "price"]);
}
