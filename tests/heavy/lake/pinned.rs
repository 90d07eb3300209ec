//! A pinned table holds its version, here and after a journey as bytes.

use super::{TODAY, ask, cells, local, publish, publish_in, said, session};
use datafusion::prelude::SessionContext;
use datafusion_proto::bytes::{logical_plan_from_bytes_with_extension_codec, logical_plan_to_bytes_with_extension_codec};
use datafusion_proto::logical_plan::DefaultLogicalExtensionCodec;
use nongshi_lake::{LakeCodec, Layer, TableId};
use std::sync::Arc;

const ALL: &str = "select as_of, value from said order by as_of, value";

#[tokio::test(flavor = "multi_thread")]
async fn publishing_the_same_rows_makes_no_version() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    let first = publish_in(&lake, "2025-01-01", vec![said("2025-01-01", &[1, 2, 3])]).await;
    assert!(first.changed);
    // however the rows are cut
    for chunks in [&[3][..], &[1, 2], &[0, 2, 1, 0]] {
        let mut from = 0;
        let cut = chunks.iter().map(|rows| {
            from += rows;
            said("2025-01-01", &[1, 2, 3]).slice(from - rows, *rows)
        });
        let again = publish_in(&lake, "2025-01-01", cut.collect()).await;
        assert_eq!((again.version, again.changed), (first.version, false), "{chunks:?}");
    }
    assert!(publish(&lake, "2025-01-01", &[1, 3, 2]).await, "another order is another content");
    // each day is compared with itself; there and back again are two versions
    assert!(publish(&lake, "2025-01-02", &[1, 3, 2]).await);
    assert!(!publish(&lake, "2025-01-01", &[1, 3, 2]).await);
    assert!(publish(&lake, "2025-01-01", &[1, 2, 3]).await);
    // no rows are no rows, in one chunk or in none
    assert!(publish(&lake, "2025-01-01", &[]).await);
    assert!(!publish_in(&lake, "2025-01-01", vec![]).await.changed);
    assert_eq!(ask(&session(&lake, TODAY).await, ALL).await, "2025-01-02,1\n2025-01-02,2\n2025-01-02,3", "the other day is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_table_is_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    publish(&lake, "2025-01-01", &[1, 2]).await;
    publish(&lake, "2025-01-02", &[3, 4, 5]).await;
    let pin = lake.pin(&TableId::new(Layer::Model, "said")).await.unwrap().unwrap();
    let days: Vec<_> = pin.files.iter().map(|file| file.partition_values.clone()).collect();
    assert_eq!(days, [[Some("2025-01-01".to_string())], [Some("2025-01-02".to_string())]]);
    let ctx = session(&lake, TODAY).await;
    for (query, expected) in [
        (ALL, "2025-01-01,1\n2025-01-01,2\n2025-01-02,3\n2025-01-02,4\n2025-01-02,5"),
        // the partition column alone, the data column alone, no column at all
        ("select as_of from said order by 1", "2025-01-01\n2025-01-01\n2025-01-02\n2025-01-02\n2025-01-02"),
        ("select value from said order by 1 desc", "5\n4\n3\n2\n1"),
        ("select count(*) from said", "5"),
        // filters on either and on both
        ("select value from said where as_of = '2025-01-02' order by 1", "3\n4\n5"),
        ("select as_of from said where value between 2 and 3 order by 1", "2025-01-01\n2025-01-02"),
        ("select value from said where as_of = '2025-01-02' and value > 4", "5"),
        ("select count(*) from said where as_of = '2025-01-03' or value > 5", "0"),
        // a limit below and above a filter that reads every file
        ("select count(*) from (select * from said limit 4)", "4"),
        ("select count(*) from (select as_of from said limit 9)", "5"),
        ("select value from said where value > 4 limit 1", "5"),
    ] {
        assert_eq!(ask(&ctx, query).await, expected, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_does_not_see_a_later_commit_and_travels_as_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    publish(&lake, "2025-01-01", &[1, 2]).await;
    publish(&lake, "2025-01-02", &[3]).await;
    let ctx = session(&lake, TODAY).await;
    publish(&lake, "2025-01-02", &[30, 31]).await;
    let pinned = "2025-01-01,1\n2025-01-01,2\n2025-01-02,3";
    assert_eq!(ask(&ctx, ALL).await, pinned);
    let new = "2025-01-01,1\n2025-01-01,2\n2025-01-02,30\n2025-01-02,31";
    assert_eq!(ask(&session(&lake, TODAY).await, ALL).await, new, "other days are kept");

    let below = Arc::new(DefaultLogicalExtensionCodec {});
    let codec = LakeCodec::above(below.clone());
    for (query, expected) in [
        (ALL, pinned),
        ("select distinct as_of from said order by 1", "2025-01-01\n2025-01-02"),
        ("select a.value, b.value from said a join said b on a.as_of = b.as_of where b.value > a.value", "1,2"),
        ("select count(*) from landed.aliases", "0"),
    ] {
        let plan = ctx.sql(query).await.unwrap().into_optimized_plan().unwrap();
        let bytes = logical_plan_to_bytes_with_extension_codec(&plan, &codec).unwrap();
        // a session that knows no table: everything comes from the bytes
        let far = SessionContext::new();
        let plan = logical_plan_from_bytes_with_extension_codec(&bytes, &far.task_ctx(), &codec).unwrap();
        assert_eq!(cells(&far.execute_logical_plan(plan).await.unwrap().collect().await.unwrap()), expected, "{query}");
        // the negative control: the engine's own codec cannot carry it
        assert!(logical_plan_from_bytes_with_extension_codec(&bytes, &far.task_ctx(), below.as_ref()).is_err());
    }
    // what is not ours goes to the codec below, which says what it cannot carry
    let foreign = ctx.sql("select * from batches").await.unwrap().into_optimized_plan().unwrap();
    assert!(logical_plan_to_bytes_with_extension_codec(&foreign, &codec).is_err());
}
