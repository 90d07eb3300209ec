//! Report: render. In: the day's tables. Out: `reports/DAY/*.html` and `*.pdf`, one a base and language, one page for the chain.
//! Never: a file rewritten with the same bytes.

use super::{Done, Step, report_base, report_chain, transform};
use crate::exit::{Exit, Failure};
use crate::gap::Gap;
use chrono::NaiveDate;
use nongshi_domain::failpoint;
use nongshi_pdf::render_pdf;
use nongshi_reports::{BaseReport, ChainReport, Lang, page_base, render_base, render_chain};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::task::{JoinHandle, spawn_blocking};

/// The curated tables that reports speak from.
const READ: [&str; 4] = ["field_supply", "freshness", "price_daily", "sales_weekly"];

/// Renders every report of the day.
pub async fn report(step: &Step<'_>) -> Result<Done, Failure> {
    let (ctx, _, views) = transform::gated(step).await?;
    let waits = READ.iter().filter(|table| views.contains(**table));
    let gaps: Vec<Gap> =
        waits.map(|table| Gap { code: Exit::Refused, ..Gap::new(*table, "reports", transform::waits_for(table, step.as_of)) }).collect();
    if !gaps.is_empty() {
        return Ok(Done { said: "waits; what was written before stands".into(), changed: false, gaps });
    }
    let folder = step.project.folder.join("reports").join(step.as_of.to_string());
    let mut written = Written { folder, ..Written::default() };
    let day = step.as_of.0;
    let languages = &step.project.settings.languages;
    let chain = Arc::new(report_chain::gather(step, &ctx).await?);
    let mut pages: Vec<Page> = languages.iter().map(|lang| chain_page(&chain, *lang)).collect();
    for base in report_base::gather(step, &ctx).await? {
        let base = Arc::new(base);
        pages.extend(languages.iter().flat_map(|lang| [base_page(&base, *lang), base_paper(&base, *lang, day)]));
    }
    // rendered side by side, written in their order
    for page in pages {
        let bytes = page.bytes.await.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()));
        written.put(&page.name, page.lang, page.form, bytes)?;
    }
    let said = format!("{} reports, {} new, in {}", written.files, written.new, shown(&written.folder, &step.project.folder));
    Ok(Done { said, changed: written.new > 0, gaps: written.gaps })
}

/// One report that is being rendered.
struct Page {
    name: String,
    lang: Lang,
    form: &'static str,
    bytes: JoinHandle<Result<Vec<u8>, String>>,
}

fn chain_page(chain: &Arc<ChainReport>, lang: Lang) -> Page {
    let chain = chain.clone();
    let render = move || render_chain(&chain, lang).map(String::into_bytes).map_err(|error| error.to_string());
    Page { name: "chain".into(), lang, form: "html", bytes: spawn_blocking(render) }
}

fn base_page(base: &Arc<BaseReport>, lang: Lang) -> Page {
    let (name, base) = (base.head.name.zh.clone(), base.clone());
    let render = move || render_base(&base, lang).map(String::into_bytes).map_err(|error| error.to_string());
    Page { name, lang, form: "html", bytes: spawn_blocking(render) }
}

fn base_paper(base: &Arc<BaseReport>, lang: Lang, day: NaiveDate) -> Page {
    let (name, base) = (base.head.name.zh.clone(), base.clone());
    let render = move || {
        let page = page_base(&base, lang).map_err(|error| error.to_string())?;
        render_pdf(&page, day, lang.name()).map_err(|error| error.to_string())
    };
    Page { name, lang, form: "pdf", bytes: spawn_blocking(render) }
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
            failpoint::reached("report.before_write");
            std::fs::write(&apart, bytes).map_err(failed)?;
            failpoint::reached("report.before_rename");
            std::fs::rename(&apart, &path).map_err(failed)?;
            failpoint::reached("report.written");
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
