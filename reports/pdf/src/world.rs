//! What typst may see: one template, one page of data, our fonts. In: the page's JSON. Out: a typst `World`.
//! Never: a file, the clock, a font of the machine.

use crate::{PdfError, font};
use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Dict, Duration, Str, Value};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};

pub(crate) const TEMPLATE: &str = include_str!("../templates/page.typ");

pub(crate) struct Paper {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    template: Source,
}

impl Paper {
    /// Data go in as an input that the template reads as JSON; nothing of it is ever read as markup.
    pub(crate) fn new(page: &serde_json::Value, lang: &str) -> Result<Paper, PdfError> {
        let fonts = font::weights()?;
        font::check_glyphs(page, &fonts)?;
        let mut inputs = Dict::new();
        inputs.insert(Str::from("page"), Value::Str(page.to_string().into()));
        inputs.insert(Str::from("lang"), Value::Str(lang.into()));
        let path = VirtualPath::new("page.typ").map_err(|error| PdfError::Typst(error.to_string()))?;
        let id = FileId::new(RootedPath::new(VirtualRoot::Project, path));
        Ok(Paper {
            library: LazyHash::new(Library::builder().with_inputs(inputs).build()),
            book: LazyHash::new(FontBook::from_fonts(&fonts)),
            fonts,
            template: Source::new(id, TEMPLATE.to_string()),
        })
    }
}

impl World for Paper {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.book
    }

    fn main(&self) -> FileId {
        self.template.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.template.id() { Ok(self.template.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn file(&self, _id: FileId) -> FileResult<Bytes> {
        Err(FileError::AccessDenied)
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.get(index).cloned()
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}
