//! What is wrong, and how to mend it: a line a check. In: a project folder. Out: OK, WARN or FAIL with a cure.

use crate::exit::{Exit, Failure};
use crate::machine;
use crate::project::Project;
use std::path::Path;

/// Looks at everything a run needs; exit 0 when nothing fails, 1 else.
pub async fn doctor(folder: &Path) -> Result<Exit, Failure> {
    let project = match Project::open(folder) {
        Ok(project) => project,
        Err(failure) => {
            println!("FAIL  project    {}", failure.message);
            return Err(failure);
        }
    };
    println!("OK    settings   {}", project.folder.join("nongshi.toml").display());
    let mut failed = false;
    let mut line = |name: &str, ended: Result<String, Failure>| match ended {
        Ok(said) => println!("OK    {name:<10} {said}"),
        Err(failure) => {
            failed = true;
            println!(
                "FAIL  {name:<10} {}{}",
                failure.message,
                failure.hint.map_or(String::new(), |hint| format!("\n                 hint: {hint}"))
            );
        }
    };
    line("feeds", project.contracts().map(|contracts| format!("{} contracts", contracts.len())));
    for contract in project.contracts().unwrap_or_default() {
        let Some(root) = contract.root() else { continue };
        if !root.contains("://") && !project.folder.join(root).is_dir() {
            line(
                "feeds",
                Err(Failure::new(Exit::Gaps, format!("feed {}: no folder `{root}`", contract.feed))
                    .hint(format!("set `[source] root` in feeds/{}.toml", contract.feed))),
            );
        }
    }
    line("transforms", project.transforms().map(|transforms| format!("{} tables, in order", transforms.len())));
    let probe = project.lake.probe(&format!("doctor-{}-{}", machine::now().timestamp_micros(), std::process::id())).await;
    let store = probe.map(|()| format!("{} answers and keeps two writers apart", project.lake.url())).map_err(Failure::from);
    let reachable = store.is_ok();
    line("store", store);
    if reachable {
        line("tables", project.lake.tables().await.map(|tables| format!("{} tables", tables.len())).map_err(Failure::from));
    }
    line("clock", Ok(format!("yesterday in Asia/Shanghai was {}", machine::yesterday())));
    Ok(if failed { Exit::Gaps } else { Exit::Done })
}
