//! Report: render. In: the day's tables. Out: `reports/DAY/*.html`, one a base and language, one for the chain.
//! Never: a file rewritten with the same bytes.

use super::{Done, Step, report_base, report_chain, transform};
use crate::exit::{Exit, Failure};
use crate::gap::Gap;
use nongshi_reports::{Lang, ReportError, render_base, render_chain};
use std::path::{Path, PathBuf};

/// Renders every report of the day.
pub async fn report(step: &Step<'_>) -> Result<Done, Failure> {
    let (ctx, _) = transform::session(step.project, step.as_of).await?;
    let folder = step.project.folder.join("reports").join(step.as_of.to_string());
    let mut written = Written::default();
    let mut gaps = Vec::new();
    let chain = report_chain::gather(step, &ctx).await?;
    for lang in &step.project.settings.languages {
        written.put(&folder, "chain", *lang, render_chain(&chain, *lang), &mut gaps)?;
    }
    for base in report_base::gather(step, &ctx).await? {
        for lang in &step.project.settings.languages {
            written.put(&folder, &base.head.name.zh, *lang, render_base(&base, *lang), &mut gaps)?;
        }
    }
    let said = format!("{} reports, {} new, in {}", written.files.len(), written.new, shown(&folder, &step.project.folder));
    Ok(Done { said, changed: written.new > 0, gaps })
}

#[derive(Default)]
struct Written {
    files: Vec<PathBuf>,
    new: usize,
}

impl Written {
    fn put(
        &mut self,
        folder: &Path,
        name: &str,
        lang: Lang,
        page: Result<String, ReportError>,
        gaps: &mut Vec<Gap>,
    ) -> Result<(), Failure> {
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                gaps.push(Gap::new(name, "report", error.to_string()));
                return Ok(());
            }
        };
        let path = folder.join(format!("{}.{}.html", file_name(name), lang.name()));
        let failed = |error: std::io::Error| Failure::new(Exit::Unreachable, format!("`{}` cannot be written: {error}", path.display()));
        if std::fs::read(&path).ok().as_deref() != Some(page.as_bytes()) {
            std::fs::create_dir_all(folder).map_err(failed)?;
            // written apart and renamed: nobody ever opens half a report
            let apart = path.with_extension("part");
            std::fs::write(&apart, page).and_then(|()| std::fs::rename(&apart, &path)).map_err(failed)?;
            self.new += 1;
        }
        self.files.push(path);
        Ok(())
    }
}

/// A name as part of a path: separators and control characters become `_`.
fn file_name(name: &str) -> String {
    name.chars().map(|character| if character.is_control() || "/\\:*?\"<>|".contains(character) { '_' } else { character }).collect()
}

fn shown(path: &Path, project: &Path) -> String {
    path.strip_prefix(project).unwrap_or(path).display().to_string()
}
