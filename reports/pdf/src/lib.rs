//! A report's page as JSON in, a PDF out, through typst.
//!
//! In: the JSON of `nongshi_reports::page_base`, the day, the language's tag. Out: PDF bytes, the same for the same
//! input. Never: a font of the machine, a string that is read as markup, a character without a glyph, the clock.

mod drawing;
mod font;
mod world;

use chrono::{Datelike, NaiveDate};
use serde_json::Value;
use typst::diag::{SourceDiagnostic, Warned};
use typst::ecow::EcoVec;
use typst::foundations::{Datetime, Smart};
use typst_layout::PagedDocument;
use typst_pdf::{PdfOptions, Timestamp};
use world::Paper;

/// Renderings after which what typst remembers of an earlier page is forgotten.
const REMEMBERED: usize = 2;

/// Why a PDF cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    /// The page is not JSON.
    #[error("the page is not JSON")]
    Page(#[from] serde_json::Error),
    /// A character has no glyph in the fonts that are compiled in: it would be printed as a box.
    #[error("the PDF fonts have no glyph for `{character}` (U+{:04X}) in `{text}`; write it otherwise, or read the HTML report", u32::from(*character))]
    Glyph {
        /// The character.
        character: char,
        /// Where it stands, shortened.
        text: String,
    },
    /// The fonts that are compiled in cannot be read.
    #[error("the fonts that are compiled in cannot be read")]
    Font,
    /// typst refuses.
    #[error("the page cannot be set: {0}")]
    Typst(String),
}

/// Sets a page as A4.
pub fn render_pdf(page: &str, day: NaiveDate, lang: &str) -> Result<Vec<u8>, PdfError> {
    let mut page: Value = serde_json::from_str(page)?;
    drawing::for_paper(&mut page);
    let document = set(&page, lang)?.output?;
    // the day it speaks from, never the day it is printed: the same input gives the same bytes
    let made = Datetime::from_ymd_hms(day.year(), day.month() as u8, day.day() as u8, 0, 0, 0);
    let options = PdfOptions {
        ident: Smart::Custom(format!("nongshi {} {} {day} {lang}", page["kicker"], page["name"])),
        creator: Smart::Custom(Some("nongshi".into())),
        timestamp: made.map(Timestamp::new_utc),
        ..PdfOptions::default()
    };
    let pdf = typst_pdf::pdf(&document, &options).map_err(told)?;
    typst::comemo::evict(REMEMBERED);
    Ok(pdf)
}

/// The page in type, and what typst has to say about it.
fn set(page: &Value, lang: &str) -> Result<Warned<Result<PagedDocument, PdfError>>, PdfError> {
    let paper = Paper::new(page, lang)?;
    let Warned { output, warnings } = typst::compile::<PagedDocument>(&paper);
    Ok(Warned { output: output.map_err(told), warnings })
}

fn told(errors: EcoVec<SourceDiagnostic>) -> PdfError {
    PdfError::Typst(errors.iter().map(|error| error.message.to_string()).collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
#[path = "../../tests/fixture/mod.rs"]
#[expect(dead_code, reason = "the paper shows a base; the chain and the HTML pages are tested where they are made")]
mod fixture;

#[cfg(test)]
mod tests {
    use super::*;
    use nongshi_reports::{BaseReport, Lang, Words, page_base};
    use std::io::Write;
    use std::process::{Command, Stdio};

    fn day() -> NaiveDate {
        fixture::base().head.as_of
    }

    fn page(report: &BaseReport, lang: Lang) -> String {
        page_base(report, lang).expect("the fixture has a page")
    }

    fn pdf(report: &BaseReport, lang: Lang) -> Vec<u8> {
        let pdf = render_pdf(&page(report, lang), day(), lang.name()).expect("the fixture can be set");
        assert!(pdf.starts_with(b"%PDF-"));
        pdf
    }

    /// The text of a PDF in reading order, without white space; none where poppler is not installed.
    fn read_aloud(pdf: &[u8]) -> Option<String> {
        let spawned = Command::new("pdftotext").args(["-raw", "-", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let Ok(mut reader) = spawned else {
            eprintln!("skipped: `pdftotext` is not installed, the order of the text is not checked");
            return None;
        };
        reader.stdin.take().expect("piped").write_all(pdf).expect("pdftotext takes a PDF");
        let output = reader.wait_with_output().expect("pdftotext ends");
        assert!(output.status.success(), "pdftotext refuses the PDF");
        Some(String::from_utf8(output.stdout).expect("UTF-8").split_whitespace().collect())
    }

    /// That the parts stand in the text one after another.
    fn check_order(text: &str, parts: &[&str]) {
        let mut rest = text;
        for part in parts {
            let part: String = part.split_whitespace().collect();
            let Some((_, behind)) = rest.split_once(&part) else { panic!("`{part}` does not stand in its place in {text}") };
            rest = behind;
        }
    }

    #[test]
    fn the_same_page_is_the_same_pdf() {
        let once = pdf(&fixture::base(), Lang::Zh);
        // set anew, not remembered
        typst::comemo::evict(0);
        assert!(once == pdf(&fixture::base(), Lang::Zh));
        let mut other = fixture::base();
        other.orders[0].area += 1.0;
        assert!(once != pdf(&other, Lang::Zh), "what is said is what is set");
    }

    #[test]
    fn every_base_on_paper_is_set_without_a_warning_and_reads_in_order() {
        let reports = [("base", fixture::base()), ("base-empty", fixture::empty_base()), ("base-heavy", fixture::heavy_base())];
        for (name, report) in &reports {
            for lang in Lang::ALL {
                let text = page(report, lang);
                let mut page: Value = serde_json::from_str(&text).expect("JSON");
                let bytes = render_pdf(&text, day(), lang.name()).expect("a PDF");
                drawing::for_paper(&mut page);
                let warnings = set(&page, lang.name()).expect("fonts").warnings;
                assert!(warnings.is_empty(), "{name}: {warnings:?}");
                let Some(read) = read_aloud(&bytes) else { continue };
                let said = |value: &Value| value.as_str().expect("a text").to_string();
                let mut parts = vec![said(&page["kicker"]), said(&page["name"]), said(&page["issued"][0]), said(&page["lead"]["title"])];
                parts.extend(page["gaps"].is_object().then(|| said(&page["gaps"]["title"])));
                parts.extend(page["sections"].as_array().expect("sections").iter().map(|section| said(&section["title"])));
                parts.push(said(&page["facts"]["title"]));
                parts.extend(page["footer"].as_array().expect("lines").iter().map(said));
                check_order(&read, &parts.iter().map(String::as_str).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn names_are_never_read_as_markup() {
        let bad = "*粗* #panic(1) $x$ <a> @b `c` \\ // [d]";
        let mut report = fixture::base();
        report.head.name = Words::new(bad, bad);
        report.orders[0].plot = bad.into();
        if let Some(text) = read_aloud(&pdf(&report, Lang::Zh)) {
            let name: String = bad.split_whitespace().collect();
            assert!(text.matches(&name).count() >= 2, "{text}");
        }
    }

    #[test]
    fn a_character_without_a_glyph_is_refused_by_name() {
        for character in ['\u{13000}', '😀', '\u{E000}'] {
            let mut report = fixture::base();
            report.orders[0].plot = format!("东{character}");
            let error = render_pdf(&page(&report, Lang::Zh), day(), "zh").expect_err("no glyph");
            let PdfError::Glyph { character: found, text } = &error else { panic!("{error}") };
            assert_eq!((*found, text.as_str()), (character, format!("东{character}").as_str()));
            assert!(error.to_string().contains(&format!("U+{:04X}", u32::from(character))), "{error}");
        }
    }

    #[test]
    fn the_fonts_cover_the_template_the_words_and_the_marks() {
        let fonts = font::weights().expect("fonts");
        assert_eq!(fonts.iter().map(|font| font.info().variant.weight.to_number()).collect::<Vec<_>>(), [400, 700]);
        // not in GB 2312 level 1, or marks of the reports
        let wanted = "柚橘禺苋茼莴蒿蕹豇莞鲩▲▼·–—…≥≤±×（）「」−";
        for text in [world::TEMPLATE, include_str!("../../words/zh.toml"), include_str!("../../words/en.toml"), wanted] {
            font::check_glyphs(&Value::from(text), &fonts).expect("covered");
        }
    }
}
