//! Charts on paper. In: a page whose charts were drawn for HTML. Out: the same page, each chart an SVG file of its own.
//! Never: a colour by name, a drawing or a table that is not printed.

use serde_json::Value;

/// What makes inline SVG a file: HTML knows the namespace, a file must name it.
const NAMESPACE: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" ";

/// Makes the charts of a page fit for paper: the drawing of the desk, in its colours by day.
pub(crate) fn for_paper(page: &mut Value) {
    match page {
        Value::Array(items) => items.iter_mut().for_each(for_paper),
        Value::Object(members) => {
            if let Some(Value::String(drawing)) = members.get_mut("wide_svg") {
                *drawing = by_day(drawing).replacen("<svg ", NAMESPACE, 1);
                // the drawing of the phone and the tables behind a chart stay in the HTML
                members.remove("narrow_svg");
                members.remove("tables");
            }
            members.values_mut().for_each(for_paper);
        }
        _ => {}
    }
}

/// `var(--ink,#20281f)` → `#20281f`: what draws SVG into a PDF knows no CSS variables.
fn by_day(drawing: &str) -> String {
    let mut plain = String::with_capacity(drawing.len());
    let mut parts = drawing.split("var(--");
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        match part.split_once(')') {
            Some((variable, rest)) => {
                plain.push_str(variable.split_once(',').map_or("currentColor", |(_, fallback)| fallback));
                plain.push_str(rest);
            }
            None => plain.push_str(part),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_becomes_a_file_with_plain_colours() {
        let mut page = serde_json::json!({"blocks": [{"kind": "figure", "of": {
            "finding": "涨", "wide_svg": "<svg viewBox=\"0 0 9 9\"><path stroke=\"var(--rule,#dcdacd)\" fill=\"var(--ink,#20281f)\"/></svg>",
            "narrow_svg": "<svg/>", "tables": []}}]});
        for_paper(&mut page);
        let expect = serde_json::json!({"blocks": [{"kind": "figure", "of": {
            "finding": "涨", "wide_svg":
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 9 9\"><path stroke=\"#dcdacd\" fill=\"#20281f\"/></svg>"}}]});
        assert_eq!(page, expect);
    }
}
