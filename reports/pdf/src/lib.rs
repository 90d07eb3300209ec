//! Report data as JSON in, PDF out, through typst.
