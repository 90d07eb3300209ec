//! Any panel, no project: what is written, that a backtest says what a forecast would have said, and wrong files.

use crate::{nongshi, text};
use chrono::{Days, NaiveDate};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Weeks written by their Sundays; four series with a season, the last of which ends two weeks early.
fn weeks(until: u64) -> String {
    let first: NaiveDate = "2021-01-03".parse().expect("a date");
    let mut lines = String::from("unique_id,ds,y\n");
    for series in 0..4_u64 {
        let end = if series == 3 { until.min(128) } else { until };
        for week in 0..end {
            let wave = (week as f64 / 52.0 * std::f64::consts::TAU + series as f64).sin();
            let noise = ((week * 7919 + series * 104_729) % 101) as f64 / 101.0 - 0.5;
            let value = 4.0 + series as f64 + wave + 0.3 * noise;
            writeln!(lines, "菜{series},{},{value:.3}", first + Days::new(7 * week)).expect("a string");
        }
    }
    lines
}

fn written(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).expect("a temporary folder");
    path
}

fn rows(csv: &str) -> Vec<Vec<String>> {
    csv.lines().skip(1).map(|line| line.split(',').map(str::to_string).collect()).collect()
}

#[test]
fn a_backtest_says_what_a_forecast_of_the_cut_panel_says() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    written(folder.path(), "whole.csv", &weeks(130));
    let (board, dump) = (at("board.json"), at("dump.csv"));
    let asked = ["backtest", "--panel", &at("whole.csv"), "--freq", "W", "--horizon", "4", "--season", "52"];
    let ended = nongshi(&[], &[&asked[..], &["--windows", "3", "--step", "5", "-o", &board, "--dump", &dump]].concat());
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    let board: serde_json::Value = serde_json::from_slice(&std::fs::read(board).expect("written")).expect("JSON");
    let chosen = board["chosen"].as_str().expect("a name").to_string();
    let row = |model: &str| board["results"].as_array().expect("rows").iter().find(|row| row["model"] == model).cloned();
    assert_eq!(row(&chosen).expect("its own row")["n_windows"], 12);
    let (own, naive) = (row(&chosen).expect("a row")["MASE"].clone(), row("naive").expect("always there")["MASE"].clone());
    assert!(own.as_f64() < naive.as_f64(), "{own} for {naive}");
    // the second of the three cutoffs of the long series is nine weeks before their end
    let dump = rows(&std::fs::read_to_string(dump).expect("written"));
    written(folder.path(), "cut.csv", &weeks(121));
    let ended = nongshi(&[], &["forecast", "--panel", &at("cut.csv"), "--freq", "W", "--horizon", "4", "--season", "52"]);
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    let now = rows(&text(&ended.stdout));
    assert_eq!(now.len(), 16);
    for row in now.iter().filter(|row| row[0] != "菜3") {
        let then = dump.iter().find(|then| then[0] == chosen && then[1] == row[0] && then[2] == "2023-04-23" && then[3] == row[1]);
        assert_eq!(then.map(|then| &then[4..]), Some(&row[2..]), "{row:?}");
    }
    assert_eq!((now[0][0].as_str(), now[0][1].as_str()), ("菜0", "2023-04-30"), "the Sunday after the last");
    for row in &now {
        let numbers: Vec<f64> = row[2..].iter().map(|cell| cell.parse().expect("a number")).collect();
        assert!(numbers[2] < numbers[3] && numbers[3] < numbers[4] && numbers[0] == numbers[3], "{row:?}");
    }
}

#[test]
fn numbered_steps_are_told_by_their_numbers() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut lines = String::from("unique_id,ds,y\n");
    for (key, end) in [("a", 60), ("b", 45)] {
        for step in 1..=end {
            writeln!(lines, "{key},{step},{}", 10 + step * 7 % 5).expect("a string");
        }
    }
    let panel = written(folder.path(), "panel.csv", &lines);
    let ended = nongshi(&[], &["forecast", "--panel", panel.to_str().expect("plain"), "--freq", "1", "--horizon", "2"]);
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    let steps: Vec<(String, String)> = rows(&text(&ended.stdout)).into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    assert_eq!(steps, [("a", "61"), ("a", "62"), ("b", "46"), ("b", "47")].map(|(key, step)| (key.to_string(), step.to_string())));
}

#[test]
fn wrong_panels_are_refused_in_words() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let long: String = (1..=40).map(|day| format!("a,2020-01-{:02},3\n", day % 28 + 1)).take(28).collect();
    for (freq, name, content, code, words) in [
        ("D", "a.csv", "unique_id,ds,z\na,2020-01-01,1\n", 2, "there is no column `y`; its columns are unique_id, ds, z"),
        ("D", "a.csv", "unique_id,ds,y\na,2020-01-01,1\na,2020-01-02,x\n", 2, "`x` in `y` is no number"),
        ("D", "a.csv", "unique_id,ds,y\na,2020-01-01,1\na,gestern,1\n", 2, "`gestern` in `ds` is no date"),
        ("D", "a.csv", "unique_id,ds,y\na,2020-01-01,1\na,2020-01-01,2\n", 2, "`a` has two rows for the step of 2020-01-01"),
        ("D", "a.csv", "unique_id,ds,y\na,2020-01-01,1\na,2020-01-02,-2\n", 2, "prices and quantities are not below zero"),
        ("D", "a.csv", "unique_id,ds,y\na,1,1\na,2,2\n", 2, "numbered steps are read with `--freq 1`"),
        ("W", "a.csv", "unique_id,ds,y\na,2020-01-01,1\na,2020-01-09,2\n", 2, "not all written by the same weekday"),
        (
            "X",
            "a.csv",
            "unique_id,ds,y\na,2020-01-01,1\na,2020-01-12,2\n",
            2,
            "2020-01-12 begins no step of ten days (旬); a month's 1st, 11th and 21st do",
        ),
        ("1", "a.csv", "unique_id,ds,y\na,2020-01-01,1\n", 2, "`ds` holds no whole numbers"),
        ("D", "a.csv", "unique_id,ds,y\na,2020-01-01,\n", 2, "it holds no value"),
        ("D", "a.txt", "unique_id,ds,y\n", 2, "it ends neither in `.csv` nor in `.parquet`"),
        ("D", "a.parquet", "not parquet", 2, "cannot be read as a panel"),
        ("D", "a.csv", "unique_id,ds,y\na,2020-01-01,1\na,2020-01-02,2\n", 1, "`a`: 2 observed steps, 8 are needed"),
        ("D", "a.csv", &format!("unique_id,ds,y\n{long}b,2020-01-28,1\n"), 1, "`b`: 1 observed steps, 8 are needed"),
    ] {
        let panel = written(folder.path(), name, content);
        let ended = nongshi(&[], &["forecast", "--panel", panel.to_str().expect("plain"), "--freq", freq, "--horizon", "2"]);
        let said = text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(code), "{content}\n{said}");
        assert!(said.contains(words) && !said.contains("panicked"), "`{words}` is not said:\n{said}");
    }
    let missing = nongshi(&[], &["forecast", "--panel", "nowhere.csv", "--freq", "D", "--horizon", "2"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("`nowhere.csv` is no file"));
}

/// Three series of 120 days and, with a blank value, `ahead` more; what is sold doubles where `promo` is 1.
fn promoted(ahead: u64, cell: impl Fn(u64, u64) -> String) -> String {
    let first: NaiveDate = "2024-01-01".parse().expect("a date");
    let mut lines = String::from("unique_id,ds,y,promo,share,same\n");
    for series in 0..3_u64 {
        for day in 0..120 + ahead {
            let promo = u64::from((day * 7919 + series * 31).is_multiple_of(5));
            let noise = ((day * 104_729 + series * 7) % 101) as f64 / 101.0 - 0.5;
            let sold = 10.0 * (1.0 + promo as f64) + noise;
            let (sold, share) =
                if day < 120 { (format!("{sold:.3}"), if day % 9 == 4 { "0.8" } else { "1" }) } else { (String::new(), "") };
            writeln!(lines, "s{series},{},{sold},{},{share},1", first + Days::new(day), cell(day, promo)).expect("a string");
        }
    }
    lines
}

#[test]
fn what_is_known_beforehand_is_used_or_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let told = |_: u64, promo: u64| promo.to_string();
    let panel = written(folder.path(), "told.csv", &promoted(7, told));
    let panel = panel.to_str().expect("plain").to_string();
    let asked = |file: &str, besides: &[&str]| {
        nongshi(&[], &[&["forecast", "--panel", file, "--freq", "D", "--horizon", "7", "--season", "7"], besides].concat())
    };
    let ended = asked(&panel, &["--known", "promo", "--in-stock", "share", "--levels", "5,50,95"]);
    assert_eq!(ended.status.code(), Some(0), "{}", text(&ended.stderr));
    let out = text(&ended.stdout);
    assert_eq!(out.lines().next(), Some("unique_id,ds,y_hat,mean,q5,q50,q95"));
    let first: NaiveDate = "2024-01-01".parse().expect("a date");
    let (mut plain, mut doubled) = (Vec::new(), Vec::new());
    for row in rows(&out) {
        let day = (row[1].parse::<NaiveDate>().expect("a date") - first).num_days() as u64;
        let series: u64 = row[0][1..].parse().expect("a number");
        let y_hat: f64 = row[2].parse().expect("a number");
        if (day * 7919 + series * 31).is_multiple_of(5) { doubled.push(y_hat) } else { plain.push(y_hat) }
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    assert!(mean(&doubled) > 1.6 * mean(&plain), "{} for {}", mean(&doubled), mean(&plain));
    // unusable: each is refused in words
    let hole = written(folder.path(), "hole.csv", &promoted(7, |day, promo| if day == 123 { String::new() } else { promo.to_string() }));
    let short = written(folder.path(), "short.csv", &promoted(3, told));
    let (hole, short) = (hole.to_str().expect("plain"), short.to_str().expect("plain"));
    for (file, besides, words) in [
        (hole, ["--known", "promo"], "`promo` of `s0` is missing for 2024-05-03"),
        (short, ["--known", "promo"], "and 7 after the last"),
        (panel.as_str(), ["--known", "same"], "`same` is always the same"),
        (panel.as_str(), ["--known", "weather"], "there is no column `weather`"),
        (panel.as_str(), ["--known", "promo,promo"], "the column `promo` is named twice"),
        (panel.as_str(), ["--known", "y"], "the column `y` is named twice"),
        (panel.as_str(), ["--in-stock", "y"], "the column `y` is named twice"),
        (panel.as_str(), ["--levels", "100"], "it must lie between 0 and 100"),
    ] {
        let ended = asked(file, &besides);
        let said = text(&ended.stderr);
        assert!(ended.status.code() == Some(2) && said.contains(words), "{besides:?}: {said}");
    }
    let share = written(folder.path(), "share.csv", &promoted(7, told).replace(",0.8,", ",8,"));
    let ended = asked(share.to_str().expect("plain"), &["--in-stock", "share"]);
    assert_eq!(ended.status.code(), Some(2));
    assert!(text(&ended.stderr).contains("lie between 0 and 1"), "{}", text(&ended.stderr));
}
