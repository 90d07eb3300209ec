//! The binary, used as its readers use it: the whole way on real data, and everything a user can do wrong.

mod away;
mod backfill;
mod bad_store;
#[expect(dead_code, reason = "what else a board can do is for the tests of feeds")]
#[path = "../../../feeds/tests/board/mod.rs"]
mod board;
mod careless_store;
mod database;
mod demo;
mod errors;
mod feed;
mod http;
mod issues;
mod kafka;
mod killed;
mod lake;
mod memory_and_disk;
mod on_s3;
mod panel;
mod paths;
mod proxy;
mod real;
mod record;
mod same_words;
mod signed;
mod two_runs;
mod unread;

use std::path::Path;
use std::process::{Command, Output};

/// Runs nongshi with these arguments; the settings of whoever runs the tests are kept out.
fn nongshi(environment: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nongshi"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("NONGSHI_") || name.starts_with("AWS_")) {
        command.env_remove(name);
    }
    command.envs(environment.iter().copied()).args(arguments).output().expect("the binary starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Every file below a folder with its bytes, in order.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(next) = waiting.pop() {
        for entry in std::fs::read_dir(&next).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below the folder").to_string_lossy().into_owned();
                found.push((name, std::fs::read(&path).unwrap_or_default()));
            }
        }
    }
    found.sort();
    found
}
