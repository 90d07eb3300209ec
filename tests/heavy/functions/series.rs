//! Aggregates over one series: parts that add up, faults in words.

use super::{ask, count, guarded, lines};

/// Rows as words.
fn told(answer: Vec<String>) -> Vec<String> {
    let words = |line: &String| line.split('|').map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(" ");
    answer.iter().map(words).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_add_up_and_gaps_are_rows() {
    let ctx = guarded(7, 4);
    let rows = "(select unnest(decompose(ds, y)) f from series where g = '番茄' and ds not in (date '2024-02-05', date '2024-02-12'))";
    assert_eq!(count(&ctx, &format!("select * from {rows}")).await, 120, "two gaps among them");
    let gaps = lines(&ctx, &format!("select f['day'] d, f['remainder'] is null from {rows} where f['y'] is null order by d")).await;
    assert_eq!(told(gaps), ["2024-02-05 true", "2024-02-12 true"]);
    let wrong = format!("select 1 from {rows} where abs(f['trend'] + f['season'] + f['remainder'] - f['y']) > 1e-9");
    assert_eq!(count(&ctx, &wrong).await, 0);
    // a year was seen twice, and it is most of what moves
    let seasons = lines(&ctx, &format!("select distinct cardinality(f['seasons']) from {rows}")).await;
    assert_eq!(seasons.len(), 1);
    assert!(seasons[0].contains(" 1 "), "{seasons:?}");
    let wide = format!("select 1 from (select max(f['season']) - min(f['season']) w from {rows}) where w > 1.5");
    assert_eq!(count(&ctx, &wide).await, 1);
    // no season was seen twice: only a trend
    let short = "select unnest(decompose(ds, y, 'season=52')) f from series where g = '番茄' and ds < date '2023-09-01'";
    let none = format!("select 1 from ({short}) where cardinality(f['seasons']) > 0 or f['season'] <> 0");
    assert_eq!((count(&ctx, short).await, count(&ctx, &none).await), (35, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_told_in_words_and_only_by_what_was_known() {
    let ctx = guarded(1, 4);
    let faulty = "(select ds, case when ds = date '2024-06-03' then y * 10 when ds >= date '2024-10-07' then y * 3 else y end as y \
        from series where g = '番茄')";
    let asked = |options: &str| {
        format!(
            "select f['day'] d, round(f['y'] / f['expected']) r, f['kind'] from (select unnest(anomalies(ds, y{options})) f from {faulty}) order by d"
        )
    };
    assert_eq!(told(lines(&ctx, &asked("")).await), ["2024-06-03 9.0 spike", "2024-10-07 3.0 level shift"]);
    // five weeks after it, it might still come back; the week before the slip nothing is wrong
    assert_eq!(told(lines(&ctx, &asked(", 'cutoff=2024-11-04, target=demand'")).await), ["2024-06-03 9.0 spike"]);
    assert!(lines(&ctx, &asked(", 'cutoff=2024-06-02'")).await.is_empty());
    let calm = ask(&ctx, "select anomalies(ds, y) a from series where g = '丝瓜'").await;
    assert!(calm.contains("| [] |"), "{calm}");
}
