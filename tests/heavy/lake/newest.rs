//! The newest version of each key by the short way is what the long way says.

use super::{ask, batch, free, local};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};
use nongshi_domain::AsOf;
use nongshi_lake::{Catalog, Lake, NewestOnly};
use std::sync::Arc;

/// Batches of two rows, so that the versions of one key lie in several.
async fn session(lake: &Lake, as_of: &str, short: bool) -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(2).with_batch_size(2);
    let mut builder = SessionStateBuilder::new_from_existing(nongshi_functions::session_state(config).unwrap());
    if short {
        builder = builder.with_physical_optimizer_rule(Arc::new(NewestOnly));
    }
    let ctx = SessionContext::new_with_state(builder.build());
    Catalog::pin(lake).await.unwrap().register(&ctx, lake, AsOf(as_of.parse().unwrap())).await.unwrap();
    ctx
}

const FIRST: &str = "FirstOfEachExec";
const VIEW: &str = "select alias, name, available_on from aliases";
const BY_NULLS: &str = "select k, v from (select *, row_number() over (partition by k, l order by v desc) as n from \
    (values (null, 1, 1), (null, 1, 2), ('a', null, 3), ('a', null, 1), ('a', 1, 2), (null, null, 5)) as t(k, l, v)) where n = 1";

#[tokio::test(flavor = "multi_thread")]
async fn the_short_way_says_what_the_long_way_says() {
    let folder = tempfile::tempdir().unwrap();
    let lake = local(&folder);
    let days = ["2024-01-01", "2024-06-01", "2025-01-01"];
    for content in 0_usize..6 {
        let rows: Vec<(String, String)> = (0..17).map(|row| (format!("k{}", row * content % 7), format!("{content}.{row}"))).collect();
        let rows: Vec<_> = rows.iter().map(|(alias, name)| (alias.as_str(), name.as_str(), days[(name.len() + content) % 3])).collect();
        lake.land(&batch(&content.to_string(), &rows, 0), free).await.unwrap();
    }
    for as_of in days {
        let (long, short) = (session(&lake, as_of, false).await, session(&lake, as_of, true).await);
        // (query, whether there is a short way)
        for (query, taken) in [
            (VIEW, true),
            (BY_NULLS, true),
            ("select count(*), min(name) from aliases", true),
            ("select a.alias, b.name from aliases a join landed.aliases b on a.alias = b.alias and a.name = b.name", true),
            (
                &VIEW.replace(
                    "aliases",
                    "(select *, row_number() over (partition by alias order by name) n from landed.aliases) where n = 2",
                ),
                false,
            ),
            (
                &VIEW.replace(
                    "aliases",
                    "(select *, row_number() over (partition by alias order by name) n from landed.aliases) where n <= 1",
                ),
                false,
            ),
            (
                &VIEW.replace("aliases", "(select *, rank() over (partition by alias order by name) n from landed.aliases) where n = 1"),
                false,
            ),
            (&VIEW.replace("aliases", "(select *, row_number() over (order by name) n from landed.aliases) where n = 1"), false),
        ] {
            let ordered = format!("select * from ({query}) order by 1, 2");
            assert_eq!(ask(&short, &ordered).await, ask(&long, &ordered).await, "{query}");
            let plan = |ctx: &SessionContext| {
                let (ctx, explain) = (ctx.clone(), format!("explain {query}"));
                async move { ask(&ctx, &explain).await }
            };
            assert_eq!((plan(&short).await.contains(FIRST), plan(&long).await.contains(FIRST)), (taken, false), "{query}");
        }
        assert_ne!(ask(&short, VIEW).await, "", "something was known on {as_of}");
    }
}
