//! What a reader can rely on, tested on whole pages. To look at them: `cargo run -p nongshi-reports --example look -- DIR`.

mod fixture;

use nongshi_reports::*;
use std::collections::BTreeSet;

/// The bound a page must keep, so that a phone opens it at once.
const MOST_BYTES: usize = 300_000;

fn pages() -> Vec<(String, String)> {
    fixture::pages().expect("the fixture can be rendered")
}

/// The page as read: a line for each block, style, drawings and the print-only appendix left out.
fn read_aloud(html: &str) -> String {
    let body = html.split_once("<body>").expect("a body").1;
    let body = body.split_once("<section class=\"appendix\">").map_or(body, |(before, _)| before);
    let mut text = String::new();
    let mut rest = body;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        if tag.starts_with("svg") || tag.starts_with("details") {
            let end = if tag.starts_with("svg") { "</svg>" } else { "</details>" };
            rest = tag.split_once(end).expect("closed").1;
            continue;
        }
        let (name, behind) = tag.split_once('>').expect("a tag ends");
        let name = name.split(' ').next().expect("a name");
        match name {
            "/td" | "/th" => text.push_str(" | "),
            "small" => text.push(' '),
            "/b" | "/span" | "b" | "span" | "i" | "/i" | "/small" | "td" | "th" => {}
            _ => text.push('\n'),
        }
        rest = behind;
    }
    let lines: Vec<&str> = text.lines().map(|line| line.trim().trim_end_matches('|').trim()).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

#[test]
fn pages_read_as_they_should() {
    for (name, html) in pages() {
        if !name.contains("heavy") {
            insta::assert_snapshot!(name, read_aloud(&html));
        }
    }
}

#[test]
fn a_chart_is_drawn_as_before() {
    let html = render_chain(&fixture::chain(), Lang::Zh).expect("a page");
    let drawing = html.split_once("<div class=\"narrow\">").expect("a phone's chart").1.split_once("</div>").expect("closed").0;
    insta::assert_snapshot!("fan-narrow-zh", drawing.replace("><", ">\n<"));
    let html = render_base(&fixture::base(), Lang::En).expect("a page");
    let drawing = html.split_once("<div class=\"wide\">").expect("a desk's chart").1.split_once("</div>").expect("closed").0;
    insta::assert_snapshot!("gantt-wide-en", drawing.replace("><", ">\n<"));
}

#[test]
fn the_same_data_give_the_same_bytes() {
    assert_eq!(pages(), pages());
    // The order in which the cli gathers rows does not matter where the report sorts them.
    let mut shuffled = fixture::base();
    shuffled.orders.reverse();
    shuffled.plots.reverse();
    shuffled.standing.reverse();
    shuffled.gaps.reverse();
    shuffled.scores.reverse();
    shuffled.weak.reverse();
    shuffled.head.freshness.reverse();
    shuffled.head.models.reverse();
    shuffled.head.markets.reverse();
    for lang in Lang::ALL {
        let (one, other) = (render_base(&fixture::base(), lang), render_base(&shuffled, lang));
        assert_eq!(one.expect("a page"), other.expect("a page"));
    }
}

#[test]
fn data_travel_as_json() {
    let text = serde_json::to_string(&fixture::base()).expect("written");
    assert_eq!(serde_json::from_str::<BaseReport>(&text).expect("read"), fixture::base());
    let text = serde_json::to_string(&fixture::chain()).expect("written");
    assert_eq!(serde_json::from_str::<ChainReport>(&text).expect("read"), fixture::chain());
}

#[test]
fn a_page_is_one_light_file_that_asks_for_nothing() {
    for (name, html) in pages() {
        assert!(html.len() < MOST_BYTES, "{name} has {} bytes", html.len());
        for never in ["http", "<script", "<link", "<img", "<iframe", "@import", "url(", " src=", " href=", " onclick"] {
            assert!(!html.contains(never), "{name} holds `{never}`");
        }
        let tag = if name.ends_with("zh") { "<html lang=\"zh-CN\">" } else { "<html lang=\"en\">" };
        assert!(html.starts_with("<!DOCTYPE html>") && html.contains(tag), "{name}: {}", &html[..60]);
    }
}

#[test]
fn every_tag_is_closed_in_order() {
    for (name, html) in pages() {
        let html = html.split_once("</style>").expect("a style").1;
        let mut open: Vec<&str> = Vec::new();
        for tag in html.split('<').skip(1) {
            let tag = tag.split_once('>').expect("a tag ends").0;
            if let Some(closed) = tag.strip_prefix('/') {
                let opened = open.pop();
                if closed != "head" && closed != "html" {
                    assert_eq!(opened, Some(closed), "{name}");
                }
            } else if !tag.ends_with('/') {
                open.push(tag.split(' ').next().expect("a name"));
            }
        }
        assert!(open.is_empty(), "{name}: {open:?}");
    }
}

#[test]
fn every_chart_has_a_title_and_its_table() {
    for (name, html) in pages() {
        let mut ids = BTreeSet::new();
        for figure in html.split("<figure>").skip(1) {
            let figure = figure.split_once("</figure>").expect("closed").0;
            assert_eq!(figure.matches("<svg ").count(), 2, "{name}: one for the desk, one for the phone");
            for svg in figure.split("<svg ").skip(1) {
                assert!(svg.contains("role=\"img\""), "{name}");
                let id = svg.split_once("aria-labelledby=\"").expect("labelled").1.split_once('"').expect("quoted").0;
                let title = svg.split_once(&format!("<title id=\"{id}\">")).expect("its title").1.split_once("</title>").expect("closed").0;
                assert!(!title.is_empty() && figure.contains(&format!("<figcaption><b>{title}</b>")), "{name}: {title}");
                assert!(ids.insert(id.to_string()), "{name}: `{id}` twice");
            }
            assert!(figure.split_once("<details>").expect("details").1.contains("<tbody>\n<tr>"), "{name}: no data behind a chart");
            assert!(figure.contains("class=\"source\""), "{name}: no source");
        }
        let drawn = html.matches("<figure>").count();
        let behind: usize =
            html.split("<details>").skip(1).map(|part| part.split("</details>").next().expect("a part").matches("<table").count()).sum();
        let printed = html.split_once("<section class=\"appendix\">").map_or(0, |(_, appendix)| appendix.matches("<table").count());
        assert_eq!(behind, printed, "{name}: what is folded away on the screen is printed");
        assert_eq!(drawn > 0, !name.contains("empty"), "{name} has {drawn} charts");
    }
}

#[test]
fn every_cell_on_the_screen_names_its_column() {
    let mut cells = 0;
    for (name, html) in pages() {
        let screen = html.split_once("<section class=\"appendix\">").map_or(html.as_str(), |(before, _)| before);
        for body in screen.split("<tbody>").skip(1) {
            let body = body.split_once("</tbody>").expect("closed").0;
            for start in ["<td", "<th"] {
                for cell in body.split(start).skip(1) {
                    let tag = cell.split_once('>').expect("a tag ends").0;
                    let label = tag.split_once("data-l=\"").map(|(_, rest)| rest.split('"').next().unwrap_or_default());
                    assert!(label.is_some_and(|label| !label.is_empty()), "{name}: {tag}");
                    cells += 1;
                }
            }
        }
    }
    assert!(cells > 1_000, "only {cells} cells were seen");
}

#[test]
fn colour_never_speaks_alone() {
    for (name, html) in pages() {
        for (class, mark) in [("up", '▲'), ("down", '▼')] {
            for text in html.split(&format!("<span class=\"{class}\">")).skip(1) {
                assert!(text.starts_with(mark), "{name}: {}", &text[..20]);
            }
        }
        for (tint, mark) in [("surplus", "▲"), ("short", "▼")] {
            for cell in html.split(&format!("class=\"{tint}\">")).skip(1) {
                let cell = cell.split_once("</td>").expect("closed").0;
                assert!(cell.contains(mark) && cell.contains("class=\"heard\""), "{name}: {cell}");
            }
        }
    }
}

#[test]
fn user_text_is_escaped_wherever_it_stands() {
    let bad = "<script>alert('x')</script>";
    let both = || Words::new(bad, bad);
    let mut base = fixture::base();
    base.head.name = both();
    base.head.markets = vec![bad.into()];
    base.head.models[0].model = bad.into();
    base.head.freshness[0].feed = bad.into();
    base.gaps[0].reason = both();
    base.gaps[0].category = bad.into();
    let change = AreaChange {
        crop: both(),
        area: 1.0,
        unit: AreaUnit::Mu,
        before: None,
        now: 1.0,
        gain_cny: 1.0,
        share_without_loss: None,
        reason: None,
    };
    base.verdicts = vec![Verdict::NothingToSow { reason: Reason::Other(both()) }, Verdict::SowMore(AreaChange { crop: both(), ..change })];
    base.orders[0].plot = bad.into();
    base.orders[0].crop = both();
    base.crops[0].crop = both();
    base.crops[0].market = bad.into();
    base.heat.rows[0].crop = both();
    base.standing[0].plot = bad.into();
    base.plots[0].plot = bad.into();
    base.plots[1].crop = both();
    base.scenarios[0].name = both();
    base.prices[0].subject = both();
    base.prices[0].place = bad.into();
    base.prices[0].source = both();
    base.prices[0].model = bad.into();
    base.weak[0].crop = both();
    if let Some(summary) = &mut base.summary {
        summary.solver = bad.into();
    }
    let mut chain = fixture::chain();
    chain.categories[0].category = bad.into();
    chain.feeds[0].feed = bad.into();
    chain.rejected[0].rule = bad.into();
    chain.unmapped[0].name = bad.into();
    chain.unmapped[0].why = bad.into();
    for lang in Lang::ALL {
        for (html, least) in [(render_base(&base, lang).expect("a page"), 20), (render_chain(&chain, lang).expect("a page"), 4)] {
            assert!(!html.contains("<script"), "{lang:?}");
            assert!(!html.contains("alert('x')"), "{lang:?}: the quotes are escaped too");
            let escaped = html.matches("&lt;script&gt;alert(&#x27;x&#x27;)").count();
            assert!(escaped >= least, "{lang:?}: {escaped} escaped names");
        }
    }
}

#[test]
fn a_page_without_data_says_so_calmly() {
    for (lang, said, why) in
        [(Lang::Zh, "本期没有计划。", "还没有接上数据源"), (Lang::En, "This issue has no plan.", "no feed is connected yet")]
    {
        let html = render_base(&fixture::empty_base(), lang).expect("a page");
        assert!(html.contains(said) && html.matches(why).count() >= 3);
        for never in ["NaN", "null", "None", "inf", "<table", "<figure"] {
            let body = html.split_once("</style>").expect("a style").1;
            assert!(!body.contains(never), "{lang:?} holds `{never}`");
        }
        // Nothing at all is data too: not even a gap to explain it.
        let mut bare = fixture::empty_base();
        bare.gaps.clear();
        assert!(!render_base(&bare, lang).expect("a page").contains("class=\"gaps\""));
        let mut bare = fixture::empty_chain();
        bare.categories.clear();
        assert!(render_chain(&bare, lang).is_ok());
    }
}

#[test]
fn a_first_issue_compares_with_nothing_and_says_so() {
    let mut base = fixture::base();
    base.last_issue = None;
    base.review = None;
    base.crops.iter_mut().for_each(|crop| crop.on_last_issue = None);
    let order = &base.orders[0];
    base.verdicts = vec![Verdict::Sow(AreaChange {
        crop: order.crop.clone(),
        area: order.area,
        unit: order.unit,
        before: None,
        now: order.area,
        gain_cny: order.margin_cny,
        share_without_loss: None,
        reason: None,
    })];
    let html = render_base(&base, Lang::Zh).expect("a page");
    for said in ["建议播种", "这是第一期，没有上期可比", "这是第一期，还没有上期的预测可以对账", "这是第一期，价格没有上期可比"]
    {
        assert!(html.contains(said), "{said}");
    }
    for never in ["多种", "少种", "比上期预测", "落在八成区间"] {
        assert!(!html.contains(never), "{never}");
    }
}

#[test]
fn an_issue_that_lies_too_far_back_is_no_measure() {
    let mut base = fixture::base();
    let change = |verdict: &Verdict| match verdict {
        Verdict::SowMore(change) => Some(Verdict::Sow(AreaChange { before: None, ..change.clone() })),
        _ => None,
    };
    base.verdicts = base.verdicts.iter().filter_map(change).collect();
    let html = render_base(&base, Lang::Zh).expect("a page");
    assert!(html.contains("10月27日那一期没有排到这两周") && html.contains("建议进栏") && !html.contains("那一期相比。"));
}

#[test]
fn a_column_without_a_figure_is_left_out_and_the_best_year_stands_first() {
    let mut base = fixture::base();
    for scenario in &mut base.scenarios {
        (scenario.price_change, scenario.yield_change, scenario.demand_change, scenario.cushion) = (None, None, None, None);
    }
    let profits: Vec<f64> = base.scenarios.iter().map(|scenario| scenario.profit_cny).collect();
    let html = render_base(&base, Lang::En).expect("a page");
    let section = html.split_once("<section id=\"scenarios\">").expect("scenarios").1.split_once("</section>").expect("closed").0;
    assert_eq!(section.matches("<th scope=\"col\"").count(), 4, "name, odds, profit, difference");
    let mut sorted = profits;
    sorted.sort_by(|a, b| b.total_cmp(a));
    let names: Vec<&str> = sorted
        .iter()
        .filter_map(|profit| base.scenarios.iter().find(|scenario| scenario.profit_cny == *profit))
        .map(|scenario| scenario.name.en.as_str())
        .collect();
    let places: Vec<Option<usize>> = names.iter().map(|name| section.find(name)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{names:?} {places:?}");
}

#[test]
fn a_series_that_never_was_observed_or_forecast_is_named() {
    let mut chain = fixture::chain();
    let price = chain.categories[0].price.as_mut().expect("a price");
    price.history.clear();
    price.forecast.clear();
    let html = render_chain(&chain, Lang::En).expect("a page");
    assert!(html.contains("Tomato (广州江南市场): nothing was ever observed."));
    let price = chain.categories[1].price.as_mut().expect("a price");
    price.forecast.clear();
    let html = render_chain(&chain, Lang::En).expect("a page");
    assert!(html.contains("Sugar mandarin (深圳海吉星): past only, no forecast yet"));
}

#[test]
fn rows_that_are_lost_are_shown() {
    let mut chain = fixture::chain();
    chain.feeds[0].accepted -= 7;
    let html = render_chain(&chain, Lang::Zh).expect("a page");
    assert!(html.contains("有7行对不上") && html.contains("有1个数据源") && !html.contains("每个数据源都对得上"));
}

#[test]
fn what_cannot_be_true_is_refused_in_words() {
    let refused = |change: fn(&mut BaseReport)| {
        let mut report = fixture::base();
        change(&mut report);
        render_base(&report, Lang::Zh).expect_err("refused").to_string()
    };
    let found = [
        refused(|report| report.crops[0].net_back = Some(Quantiles { low: 2.0, median: 1.0, high: 3.0 })),
        refused(|report| report.heat.rows[1].ripe_kg.truncate(5)),
        refused(|report| report.scores.retain(|row| row.model != "naive")),
        refused(|report| report.prices[0].history.swap(3, 4)),
        refused(|report| report.prices[0].history[2].value = Some(f64::NAN)),
        refused(|report| report.orders[0].margin_cny = f64::INFINITY),
    ];
    insta::assert_snapshot!("refusals", found.join("\n"));
}
