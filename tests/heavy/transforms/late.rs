//! Late, corrected, doubled and unordered rows cost their parts, nothing else, and end in the tables of an oracle that
//! computes everything from the beginning.

use super::{MONDAY, Sale, as_of, free, local, outcome, prices, sales, session};
use datafusion::prelude::SessionContext;
use nongshi_domain::AsOf;
use nongshi_lake::{Batch, Catalog, Lake, Layer, TableId};
use nongshi_transforms::{GROUP_BYTES, Made, Outcome, Transform, built_in, in_order, run};

fn transforms() -> Vec<Transform> {
    in_order(built_in().unwrap()).unwrap()
}

async fn make(lake: &Lake, as_of: AsOf, group_bytes: u64) -> Vec<Made> {
    let (ctx, mut catalog) = session(lake, as_of).await;
    run(lake, &ctx, &transforms(), as_of, &mut catalog, group_bytes, &free).await.unwrap()
}

/// The table's computed parts.
fn computed(made: &[Made], name: &str) -> usize {
    made.iter().find(|made| made.name == name).unwrap().computed
}

/// Two years of sales and prices, a week apart.
async fn two_years(lake: &Lake) {
    let sold: Vec<Sale> = (0..104).map(|week| (week % 3, week as i32 * 7, week, 10_000, 300)).collect();
    lake.land(&sales("sold", &sold), free).await.unwrap();
    let quoted: Vec<(&str, i32, i128)> = (0..104).map(|week| ("菜心", week * 7, 400)).collect();
    lake.land(&prices("quoted", &quoted), free).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_row_costs_its_own_part() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    two_years(&lake).await;
    let made = make(&lake, as_of(800), GROUP_BYTES).await;
    assert_eq!((computed(&made, "sales_daily"), computed(&made, "price_daily")), (24, 2), "all months, all years");
    let files = |pin: &nongshi_lake::PinnedTable| pin.files.iter().map(|file| file.path.clone()).collect::<Vec<_>>();
    let daily = TableId::new(Layer::Curated, "sales_daily");
    let before = files(&lake.pin(&daily).await.unwrap().unwrap());

    // ten weeks after the Monday: 2025-03-17
    lake.land(&sales("late", &[(1, 70, 500, 20_000, 310)]), free).await.unwrap();
    let made = make(&lake, as_of(800), GROUP_BYTES).await;
    assert_eq!((outcome(&made, "sales_daily"), computed(&made, "sales_daily")), (Outcome::New, 1));
    // a week lies in the month of its Monday: rows of March may belong to a week of February
    assert_eq!((outcome(&made, "sales_weekly"), computed(&made, "sales_weekly")), (Outcome::New, 2));
    assert_eq!((outcome(&made, "price_daily"), computed(&made, "price_daily")), (Outcome::Untouched, 0));
    let after = files(&lake.pin(&daily).await.unwrap().unwrap());
    assert_eq!(before.iter().filter(|file| !after.contains(file)).count(), 1, "one part was written anew");

    // another day on which nothing new is known touches nothing, and the stored tables still are those of the day
    let made = make(&lake, as_of(801), GROUP_BYTES).await;
    assert!(made.iter().all(|made| made.outcome == Outcome::Untouched && made.computed == 0), "{made:?}");
    // an earlier day knows less: only what differs is made anew
    let made = make(&lake, as_of(700), GROUP_BYTES).await;
    assert_eq!((outcome(&made, "sales_daily"), computed(&made, "sales_daily")), (Outcome::New, 1), "{made:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn some_parts_at_a_time_are_the_whole() {
    let mut told = Vec::new();
    for group_bytes in [GROUP_BYTES, 1] {
        let folder = tempfile::tempdir().unwrap();
        let lake = local(&folder);
        two_years(&lake).await;
        let made = make(&lake, as_of(800), group_bytes).await;
        assert!(made.iter().all(|made| made.outcome == Outcome::New), "{made:?}");
        let mut contents = Vec::new();
        for transform in transforms() {
            let id = TableId::new(Layer::Curated, &transform.name);
            contents.push(lake.made_of(&id, nongshi_lake::Scope::Whole).await.unwrap().unwrap().content);
        }
        told.push(contents);
    }
    assert_eq!(told[0], told[1]);
}

/// A table that goes back and comes again with other rows is not taken for the one it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_restored_source_is_read_anew() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    two_years(&lake).await;
    lake.land(&prices("wrong", &[("菜心", 3, 999_999)]), free).await.unwrap();
    make(&lake, as_of(800), GROUP_BYTES).await;
    lake.restore(&TableId::new(Layer::Landed, "market_prices"), 1, free).await.unwrap();
    lake.land(&prices("right", &[("菜心", 4, 410)]), free).await.unwrap();
    make(&lake, as_of(800), GROUP_BYTES).await;
    assert_eq!(differences(&lake, as_of(800)).await, [] as [String; 0]);
}

/// The tables whose stored rows are not what their SQL says now.
async fn differences(lake: &Lake, as_of: AsOf) -> Vec<String> {
    let (ctx, catalog) = session(lake, as_of).await;
    let mut different = Vec::new();
    for transform in transforms() {
        if !catalog.pins.contains_key(&TableId::new(Layer::Curated, &transform.name)) || differ(&ctx, &catalog, &transform).await {
            different.push(transform.name);
        }
    }
    different
}

async fn differ(ctx: &SessionContext, catalog: &Catalog, transform: &Transform) -> bool {
    let pin = &catalog.pins[&TableId::new(Layer::Curated, &transform.name)];
    let columns: Vec<&str> =
        pin.schema.fields().iter().map(|field| field.name().as_str()).filter(|name| *name != nongshi_lake::PART).collect();
    let (columns, name, sql) = (columns.join(", "), &transform.name, transform.sql.trim());
    let query = format!(
        "select count(*) from ((select {columns} from {name} except select {columns} from (\n{sql}\n)) \
         union all (select {columns} from (\n{sql}\n) except select {columns} from {name})) "
    );
    super::count(ctx, &query).await > 0
}

/// A small random source that is always the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }
}

/// A batch of a few rows: of today, late by up to a year, or correcting what came before.
fn batch(dice: &mut Dice, turn: u64, today: i32) -> Batch {
    const NAMES: [&str; 3] = ["菜心", "番茄", "白菜"];
    let rows = 1 + dice.roll(4);
    let day = |dice: &mut Dice| today - [0, 0, 1, 6, 7, 35, 364][dice.roll(7) as usize];
    if dice.roll(2) == 0 {
        let rows: Vec<(&str, i32, i128)> =
            (0..rows).map(|_| (NAMES[dice.roll(3) as usize], day(dice), 300 + i128::from(dice.roll(200)))).collect();
        let mut unique: Vec<(&str, i32, i128)> = Vec::new();
        for row in rows {
            if !unique.iter().any(|known| (known.0, known.1) == (row.0, row.1)) {
                unique.push(row);
            }
        }
        prices(&format!("prices {turn}"), &unique)
    } else {
        let rows: Vec<Sale> = (0..rows)
            .map(|line| (dice.roll(3) as usize, day(dice), (line * 3 + dice.roll(3)) as usize, 10_000 + i128::from(dice.roll(9)), 300))
            .collect();
        sales(&format!("sales {turn}"), &rows)
    }
}

async fn walk(turns: u64) {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    let (mut dice, mut today, mut stale, mut looked) = (Dice(20_261_124), 400, 0, 0);
    for turn in 0..turns {
        today += dice.roll(4) as i32;
        let news = batch(&mut dice, turn, today);
        lake.land(&news, free).await.unwrap();
        if dice.roll(5) == 0 {
            assert_eq!(lake.land(&news, free).await.unwrap(), nongshi_lake::Landed::Before, "the same batch twice is one");
        }
        // mostly tomorrow, sometimes a day long past
        let speaks_from = as_of(today + 1 - if dice.roll(6) == 0 { 1 + dice.roll(60) as i32 } else { 0 });
        if turn % 4 == 0 {
            looked += 1;
            stale += u64::from(!differences(&lake, speaks_from).await.is_empty());
        }
        make(&lake, speaks_from, if dice.roll(4) == 0 { 1 } else { GROUP_BYTES }).await;
        assert_eq!(differences(&lake, speaks_from).await, [] as [String; 0], "turn {turn}, {MONDAY} + {today}, as of {speaks_from}");
    }
    // the negative control: without making them, the tables are nearly always wrong
    assert!(stale * 10 > looked * 7, "{stale} of {looked} turns made a difference");
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_late_the_tables_are_the_oracles() {
    walk(12).await;
}

/// Reliability test 9: a thousand cases, or as many as `NONGSHI_TEST_ROUNDS` says.
/// `cargo test --workspace --test heavy -- --ignored a_thousand`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes many minutes"]
async fn a_thousand_late_and_corrected_batches_end_as_the_oracle_says() {
    let turns = std::env::var("NONGSHI_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(1_000);
    walk(turns).await;
}
