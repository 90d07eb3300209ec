//! The cluster answers as the local session does, over pinned tables and through our functions.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

use arrow::array::{ArrayRef, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::util::pretty::pretty_format_batches;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::prelude::{SessionConfig, SessionContext};
use nongshi_domain::{AsOf, LandedTable};
use nongshi_lake::{Batch, Catalog, Lake, LakeError, Layer, PinnedFile, PinnedTable, Scope, TableId};
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use std::collections::HashMap;
use std::sync::Arc;
use url::Url;

/// 2026-01-01 in days since 1970.
const FIRST_DAY: i32 = 20_454;
const DAYS: i32 = 120;
const CROPS: [&str; 3] = ["小白菜", "番茄", "菜心"];
const HORIZON: usize = 7;

fn prices() -> RecordBatch {
    let rows: Vec<(&str, i32)> = CROPS.iter().flat_map(|crop| (0..DAYS).map(move |day| (*crop, day))).collect();
    let price = |crop: &str, day: i32| crop.len() as f64 + ((day * 37 + crop.len() as i32) % 11) as f64 / 8.0 + f64::from(day % 7) / 4.0;
    let columns: [(&str, ArrayRef); 4] = [
        ("crop", Arc::new(StringArray::from_iter_values(rows.iter().map(|(crop, _)| crop)))),
        ("day", Arc::new(Date32Array::from_iter_values(rows.iter().map(|(_, day)| FIRST_DAY + day)))),
        ("price", Arc::new(Float64Array::from_iter_values(rows.iter().map(|(crop, day)| price(crop, *day))))),
        ("kg", Arc::new(Int64Array::from_iter_values(rows.iter().map(|(_, day)| i64::from(day % 13))))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// The same rows with the column a model's table is partitioned by.
fn prices_as_of(day: &str) -> RecordBatch {
    let rows = prices();
    let as_of: ArrayRef = Arc::new(StringArray::from(vec![day; rows.num_rows()]));
    let fields = rows.schema().fields().iter().cloned().chain([Arc::new(Field::new("as_of", DataType::Utf8, true))]).collect::<Vec<_>>();
    let columns = rows.columns().iter().cloned().chain([as_of]).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

/// Two versions of one alias, one of them known later than the day the query speaks from.
fn aliases() -> Batch {
    let columns: [(&str, ArrayRef); 5] = [
        ("alias", Arc::new(StringArray::from(vec!["西红柿", "西红柿", "西红柿"]))),
        ("name", Arc::new(StringArray::from(vec!["蕃茄", "番茄", "tomato"]))),
        ("available_on", Arc::new(Date32Array::from(vec![FIRST_DAY, FIRST_DAY + 1, FIRST_DAY + 2 * DAYS]))),
        ("feed", Arc::new(StringArray::from(vec!["names"; 3]))),
        ("source_row", Arc::new(Int64Array::from(vec![1, 2, 3]))),
    ];
    Batch {
        feed: "names".into(),
        address: "names.csv".into(),
        content: "1".into(),
        table: LandedTable::named("aliases").unwrap(),
        received: 3,
        accepted: RecordBatch::try_from_iter(columns).unwrap(),
        rejected: vec![],
    }
}

async fn lake(folder: &tempfile::TempDir) -> Lake {
    let lake = Lake::open(&Url::from_directory_path(folder.path()).unwrap(), HashMap::new()).unwrap();
    let fence = async || Ok::<(), LakeError>(());
    let rows = prices();
    lake.publish(&TableId::new(Layer::Curated, "prices"), Scope::Whole, rows.schema(), vec![rows], "1", fence).await.unwrap();
    lake.land(&aliases(), fence).await.unwrap();
    for day in ["2026-02-01", "2026-03-01"] {
        let rows = prices_as_of(day);
        let scope = Scope::AsOf(day.parse().unwrap());
        lake.publish(&TableId::new(Layer::Model, "said"), scope, rows.schema(), vec![rows], "1", fence).await.unwrap();
    }
    lake
}

fn config() -> SessionConfig {
    SessionConfig::new().with_target_partitions(2).with_information_schema(true)
}

async fn rows(session: &SessionContext, sql: &str) -> (usize, String) {
    let answer = session.sql(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let batches = answer.collect().await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    (batches.iter().map(RecordBatch::num_rows).sum(), pretty_format_batches(&batches).unwrap().to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn far_answers_are_near_answers() {
    let folder = tempfile::tempdir().unwrap();
    let lake = lake(&folder).await;
    let catalog = Catalog::pin(&lake).await.unwrap();
    let as_of = AsOf("2026-05-01".parse().unwrap());
    let near = nongshi_functions::session(config()).unwrap();
    let far = nongshi_cluster::in_process(config(), Arc::new(RuntimeEnv::default())).await.unwrap();
    for session in [&near, &far] {
        catalog.register(session, &lake, as_of).await.unwrap();
    }
    let forecast = format!("select crop, unnest(forecast(day, price, {HORIZON})) f from prices group by crop");
    let steps = CROPS.len() * HORIZON;
    let queries = [
        ("select count(*) n, sum(kg) kg, min(price) lowest, max(day) last from prices".to_string(), 1),
        ("select crop, count(*) n, sum(kg) kg from prices where day >= date '2026-02-01' group by crop order by crop".into(), CROPS.len()),
        (
            "select a.crop, a.day, b.price from prices a join prices b on a.crop = b.crop and a.day = b.day order by 1, 2".into(),
            CROPS.len() * DAYS as usize,
        ),
        (
            "select as_of, crop, max(price) highest from said where as_of > '2026-02-01' group by as_of, crop order by 1, 2".into(),
            CROPS.len(),
        ),
        (
            format!("select crop, f['day'] day, f['y_hat'] y_hat, f['q10'] q10, f['q90'] q90 from ({forecast}) order by crop, day desc"),
            steps,
        ),
        (format!("select crop, f['day'] day, count(*) n from ({forecast}) group by crop, f['day'] order by crop, day"), steps),
        (
            format!(
                "select f['key'] crop, f['day'] day, f['y_hat'] y_hat, f['q90'] q90 \
                 from (select unnest(forecast_panel(crop, day, price, {HORIZON}, 'origins=3')) f from prices) order by crop, day desc"
            ),
            steps,
        ),
        (
            "select crop, cardinality(decompose(day, price)) n, anomalies(day, price) a from prices group by crop order by crop".into(),
            CROPS.len(),
        ),
    ];
    for (sql, expected_rows) in queries {
        let plan = far.sql(&sql).await.unwrap().create_physical_plan().await.unwrap();
        assert_eq!(plan.name(), "DistributedQueryExec", "{sql}: not run on the cluster");
        let (far, near) = (rows(&far, &sql).await, rows(&near, &sql).await);
        assert_eq!(near.0, expected_rows, "{sql}");
        assert_eq!(far, near, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn adaptive_planning_is_off() {
    let far = nongshi_cluster::in_process(config(), Arc::new(RuntimeEnv::default())).await.unwrap();
    let (_, text) = rows(&far, "select value from information_schema.df_settings where name = 'ballista.planner.adaptive.enabled'").await;
    assert!(text.contains("| false |"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_executor_reads_from_the_callers_store() {
    let rows_here = prices();
    let mut file = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut file, rows_here.schema(), None).unwrap();
    writer.write(&rows_here).unwrap();
    writer.close().unwrap();
    let size = file.len() as u64;
    let store = Arc::new(InMemory::new());
    store.put(&"prices/1.parquet".into(), file.into()).await.unwrap();

    let runtime = Arc::new(RuntimeEnv::default());
    runtime.register_object_store(&Url::parse("s3://bucket").unwrap(), store as Arc<dyn ObjectStore>);
    let far = nongshi_cluster::in_process(config(), runtime).await.unwrap();
    let pinned = PinnedTable {
        store: "s3://bucket/".into(),
        version: 0,
        schema: rows_here.schema(),
        partition_columns: 0,
        files: vec![PinnedFile { path: "prices/1.parquet".into(), size, partition_values: vec![] }],
    };
    far.register_table("prices", Arc::new(pinned)).unwrap();
    let (_, text) = rows(&far, "select count(*) n from prices").await;
    assert!(text.contains(&format!("| {} |", rows_here.num_rows())), "{text}");
}
