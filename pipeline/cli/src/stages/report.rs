//! Report: render. In: the day's tables. Out: `reports/DAY/*.html` and `*.pdf`, one a base and language, one page for the chain.
//! Never: a file rewritten with the same bytes.

use super::{Done, Step, report_base, report_chain, transform};
use crate::exit::{Exit, Failure};
use crate::gap::Gap;
use chrono::NaiveDate;
use nongshi_pdf::render_pdf;
use nongshi_reports::{BaseReport, Lang, page_base, render_base, render_chain};
use std::path::{Path, PathBuf};

/// Renders every report of the day.
pub async fn report(step: &Step<'_>) -> Result<Done, Failure> {
    let (ctx, _) = transform::session(step.project, step.as_of).await?;
    let folder = step.project.folder.join("reports").join(step.as_of.to_string());
    let mut written = Written { folder, ..Written::default() };
    let chain = report_chain::gather(step, &ctx).await?;
    for lang in &step.project.settings.languages {
        written.put("chain", *lang, "html", render_chain(&chain, *lang).map(String::into_bytes).map_err(|error| error.to_string()))?;
    }
    for base in report_base::gather(step, &ctx).await? {
        let name = &base.head.name.zh;
        for lang in &step.project.settings.languages {
            written.put(name, *lang, "html", render_base(&base, *lang).map(String::into_bytes).map_err(|error| error.to_string()))?;
            written.put(name, *lang, "pdf", pdf(&base, *lang, step.as_of.0))?;
        }
    }
    let said = format!("{} reports, {} new, in {}", written.files, written.new, shown(&written.folder, &step.project.folder));
    Ok(Done { said, changed: written.new > 0, gaps: written.gaps })
}

fn pdf(base: &BaseReport, lang: Lang, day: NaiveDate) -> Result<Vec<u8>, String> {
    let page = page_base(base, lang).map_err(|error| error.to_string())?;
    render_pdf(&page, day, lang.name()).map_err(|error| error.to_string())
}

#[derive(Default)]
struct Written {
    folder: PathBuf,
    files: usize,
    new: usize,
    gaps: Vec<Gap>,
}

impl Written {
    /// Writes one report; one that cannot be rendered is a gap, and the others go on.
    fn put(&mut self, name: &str, lang: Lang, form: &str, bytes: Result<Vec<u8>, String>) -> Result<(), Failure> {
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(reason) => {
                self.gaps.push(Gap::new(name, format!("{} {form} report", lang.name()), reason));
                return Ok(());
            }
        };
        let path = self.folder.join(format!("{}.{}.{form}", file_name(name), lang.name()));
        let failed = |error: std::io::Error| Failure::new(Exit::Unreachable, format!("`{}` cannot be written: {error}", path.display()));
        if std::fs::read(&path).ok().as_ref() != Some(&bytes) {
            std::fs::create_dir_all(&self.folder).map_err(failed)?;
            // written apart and renamed: nobody ever opens half a report
            let apart = path.with_extension("part");
            std::fs::write(&apart, bytes).and_then(|()| std::fs::rename(&apart, &path)).map_err(failed)?;
            self.new += 1;
        }
        self.files += 1;
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
