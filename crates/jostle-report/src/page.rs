//! The HTML page of a report.

use std::fmt::Write as _;

use super::escape::{html, name, script_json};
use super::spec::notes;
use super::{Figure, Report, Table};
use crate::claim::{RULE, Source, verdict_line};
use crate::number::compact_interval;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// In the order in which they have to run.
const RUNTIME: [&str; 3] = [
    include_str!("../assets/vega.min.js"),
    include_str!("../assets/vega-lite.min.js"),
    include_str!("../assets/vega-embed.min.js"),
];
const LICENCES: [(&str, &str); 4] = [
    ("Vega", include_str!("../assets/vega.LICENSE")),
    ("Vega-Lite", include_str!("../assets/vega-lite.LICENSE")),
    ("Vega-Embed", include_str!("../assets/vega-embed.LICENSE")),
    ("Parts of other packages", include_str!("../assets/bundled.LICENSE")),
];

/// Writes the page of a report as one HTML text that needs no other file and no network.
///
/// The same report gives the same bytes. Without JavaScript the figures are missing, and everything else reads.
pub fn render(report: &Report) -> String {
    let runtime: usize = RUNTIME.iter().map(|part| part.len()).sum();
    let mut page = String::with_capacity(runtime + (1 << 18));
    head(&mut page, &report.title);
    page.push_str("<body>\n<main>\n");
    opening(&mut page, report);
    figures(&mut page, &report.figures);
    claims(&mut page, report);
    facts(&mut page, &report.facts);
    settings(&mut page, &report.settings);
    references(&mut page, &report.references);
    page.push_str("</main>\n");
    closing(&mut page, report);
    page.push_str("</body>\n</html>\n");
    page
}

/// Appends formatted text; writing to a string cannot fail.
macro_rules! put {
    ($page:expr, $($arg:tt)*) => { let _ = write!($page, $($arg)*); };
}

fn head(page: &mut String, title: &str) {
    // The policy makes "opens without a network" a property the browser enforces. Vega compiles expressions: eval.
    put!(
        page,
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="jostle">
<link rel="icon" href="data:,">
<title>{}</title>
<style>
{STYLE}</style>
</head>
"#,
        html(title)
    );
}

fn opening(page: &mut String, report: &Report) {
    put!(
        page,
        "<header>\n<button type=\"button\" id=\"theme\" class=\"link\" hidden>dark</button>\n<h1>{}</h1>\n",
        html(&report.title)
    );
    if !report.lead.is_empty() {
        put!(page, "<p class=\"lead\">{}</p>\n", html(&report.lead));
    }
    if !report.claims.is_empty() {
        let held = report.claims.iter().all(|c| c.holds);
        put!(
            page,
            "<p class=\"verdict {}\"><a href=\"#claims\">{}</a></p>\n",
            if held { "holds" } else { "fails" },
            html(&verdict_line(&report.claims))
        );
        for remark in &report.remarks {
            put!(page, "<p class=\"remark\">{}</p>\n", html(remark));
        }
    }
    page.push_str("</header>\n");
    if !report.warnings.is_empty() {
        page.push_str("<section class=\"warnings\" aria-labelledby=\"warnings\">\n");
        put!(
            page,
            "<h2 id=\"warnings\">{}</h2>\n<ul>\n",
            if report.warnings.len() == 1 { "Warning" } else { "Warnings" }
        );
        for warning in &report.warnings {
            put!(page, "<li>{}</li>\n", html(warning));
        }
        page.push_str("</ul>\n</section>\n");
    }
}

fn figures(page: &mut String, figures: &[Figure]) {
    if figures.is_empty() {
        return;
    }
    page.push_str("<section aria-labelledby=\"figures\">\n<h2 id=\"figures\">Figures</h2>\n");
    for (k, figure) in figures.iter().enumerate() {
        let (number, title) = (k + 1, html(&figure.title));
        put!(
            page,
            "<figure id=\"figure-{number}\" data-name=\"{}\" aria-labelledby=\"title-{number}\" \
             aria-describedby=\"see-{number}\">\n",
            name(&figure.id)
        );
        put!(page, "<h3 id=\"title-{number}\"><span class=\"number\">Figure {number}.</span> {title}</h3>\n");
        put!(page, "<p class=\"see\" id=\"see-{number}\">{}</p>\n", html(&figure.see));
        page.push_str(
            "<div class=\"chart\"><noscript><p>Drawing this figure needs JavaScript.</p></noscript></div>\n",
        );
        table(page, figure.table.as_ref());
        page.push_str("<figcaption>\n");
        for note in notes(&figure.spec) {
            put!(page, "<p>{}</p>\n", html(note));
        }
        put!(
            page,
            "<p>Source: {} <span class=\"downloads\"></span></p>\n</figcaption>\n",
            html(&figure.source)
        );
        put!(
            page,
            "<script type=\"application/json\" class=\"spec\">{}</script>\n",
            script_json(&figure.spec)
        );
        page.push_str("</figure>\n");
    }
    page.push_str("</section>\n");
}

/// The numbers beneath a figure.
fn table(page: &mut String, table: Option<&Table>) {
    let Some(Table { heads, rows }) = table else { return };
    page.push_str("<div class=\"numbers\"><table>\n<thead><tr>");
    for head in heads {
        put!(page, "<th scope=\"col\">{}</th>", html(head));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        page.push_str("<tr>");
        for cell in row {
            put!(page, "<td>{}</td>", html(cell));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table></div>\n");
}

fn claims(page: &mut String, report: &Report) {
    let claims = &report.claims;
    if claims.is_empty() {
        return;
    }
    let several_papers = claims.windows(2).any(|pair| pair[0].paper != pair[1].paper);
    // Explicit roles: narrow screens stack the cells, and browsers drop the roles of a table laid out as blocks.
    page.push_str("<section aria-labelledby=\"claims\">\n<h2 id=\"claims\">Claims</h2>\n");
    put!(page, "<p class=\"see\">{}</p>\n", html(RULE));
    page.push_str("<table role=\"table\">\n<thead role=\"rowgroup\"><tr role=\"row\">");
    for title in ["Claim", "Verdict", "Statement", "Measured", "Expected"] {
        put!(page, "<th role=\"columnheader\" scope=\"col\">{title}</th>");
    }
    page.push_str("</tr></thead>\n<tbody role=\"rowgroup\">\n");
    let mut paper = None;
    for claim in claims {
        if several_papers && paper != Some(&claim.paper) {
            put!(
                page,
                "<tr role=\"row\" class=\"paper\"><th role=\"rowheader\" colspan=\"5\">{}</th></tr>\n",
                html(&claim.paper)
            );
            paper = Some(&claim.paper);
        }
        let (class, word) =
            if claim.holds { ("holds", "\u{2713}\u{a0}holds") } else { ("fails", "\u{2717}\u{a0}fails") };
        put!(page, "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\">{}</th>", html(&claim.id));
        put!(page, "<td role=\"cell\" class=\"{class}\">{word}</td>");
        put!(page, "<td role=\"cell\">{}", html(&claim.statement));
        if claim.source == Source::Jostle {
            put!(page, "<span class=\"own\">{}</span>", html(claim.source.remark()));
        }
        if !claim.how.is_empty() {
            put!(page, "<span class=\"how\">{}</span>", html(&claim.how));
        }
        let measured = compact_interval(claim.measured, claim.low, claim.high);
        put!(
            page,
            "</td><td role=\"cell\" data-label=\"Measured\" class=\"measured\">{}</td>",
            html(&measured)
        );
        put!(page, "<td role=\"cell\" data-label=\"Expected\">{}</td></tr>\n", html(&claim.expected));
    }
    page.push_str("</tbody>\n</table>\n</section>\n");
}

fn facts(page: &mut String, facts: &[(String, String)]) {
    if facts.is_empty() {
        return;
    }
    page.push_str("<section aria-labelledby=\"run\">\n<h2 id=\"run\">This run</h2>\n<dl>\n");
    for (key, value) in facts {
        put!(page, "<div><dt>{}</dt><dd>{}</dd></div>\n", html(key), html(value));
    }
    page.push_str("</dl>\n</section>\n");
}

fn settings(page: &mut String, settings: &[(String, String)]) {
    if settings.is_empty() {
        return;
    }
    page.push_str("<section aria-labelledby=\"settings\">\n<h2 id=\"settings\">Settings</h2>\n");
    for (file, text) in settings {
        put!(
            page,
            "<details class=\"setting\"><summary>{}</summary><pre tabindex=\"0\">{}</pre></details>\n",
            html(file),
            html(text)
        );
    }
    page.push_str("</section>\n");
}

fn references(page: &mut String, references: &[String]) {
    if references.is_empty() {
        return;
    }
    page.push_str("<section aria-labelledby=\"references\">\n<h2 id=\"references\">References</h2>\n<ol>\n");
    for reference in references {
        put!(page, "<li>{}</li>\n", html(reference));
    }
    page.push_str("</ol>\n</section>\n");
}

fn closing(page: &mut String, report: &Report) {
    if report.figures.is_empty() {
        put!(page, "<script>\n{SCRIPT}</script>\n");
        return;
    }
    page.push_str(
        "<footer>\n<p>Click a name in a legend to see that series alone; shift-click adds another. \
         Figures are drawn by the Vega libraries contained in this file.</p>\n\
         <details><summary>Licences of the drawing libraries</summary>\n",
    );
    for (library, licence) in LICENCES {
        put!(page, "<h3>{library}</h3>\n<pre tabindex=\"0\">{}</pre>\n", html(licence));
    }
    page.push_str("</details>\n</footer>\n");
    for part in RUNTIME {
        put!(page, "<script>\n{part}</script>\n");
    }
    put!(page, "<script>\n{SCRIPT}</script>\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::Claim;
    use crate::{Axis, BandPoint, Series, bands};

    fn report() -> Report {
        let hostile = "</script><script>alert('x')</script> & \"quoted\"";
        let points = vec![BandPoint { x: 0.0, mid: 1.0, low: 0.5, high: 2.0 }];
        let series = [Series { name: hostile.to_owned(), points }];
        Report {
            title: hostile.to_owned(),
            lead: hostile.to_owned(),
            warnings: vec![hostile.to_owned()],
            claims: vec![Claim {
                id: hostile.to_owned(),
                paper: hostile.to_owned(),
                statement: hostile.to_owned(),
                measured: Some(7e-4),
                low: Some(3e-4),
                high: Some(f64::INFINITY),
                expected: hostile.to_owned(),
                holds: false,
                how: hostile.to_owned(),
                source: Source::Jostle,
            }],
            remarks: vec![hostile.to_owned()],
            figures: vec![Figure {
                id: hostile.to_owned(),
                title: hostile.to_owned(),
                see: hostile.to_owned(),
                source: hostile.to_owned(),
                spec: bands(&series, &Axis::log(hostile), &Axis::log(hostile), &[]),
                table: Some(Table { heads: vec![hostile.to_owned()], rows: vec![vec![hostile.to_owned()]] }),
            }],
            facts: vec![(hostile.to_owned(), hostile.to_owned())],
            settings: vec![(hostile.to_owned(), hostile.to_owned())],
            references: vec![hostile.to_owned()],
        }
    }

    #[test]
    fn no_text_of_a_report_becomes_an_element() {
        let page = render(&report());
        assert!(!page.contains("<script>alert"), "a text reached the page unescaped");
        let opened = page.matches("<script").count();
        assert_eq!(opened, RUNTIME.len() + 2, "one script a library, one for the page, one for the figure");
        assert_eq!(page.matches("</script").count(), opened);
    }

    #[test]
    fn the_same_report_gives_the_same_bytes() {
        assert_eq!(render(&report()), render(&report()));
    }

    #[test]
    fn embedded_scripts_and_styles_cannot_end_their_element() {
        for part in RUNTIME.iter().chain([&SCRIPT, &STYLE]) {
            let part = part.to_lowercase();
            assert!(!part.contains("</script") && !part.contains("<!--") && !part.contains("</style"));
            assert!(!part.contains("sourcemappingurl"));
        }
    }

    #[test]
    fn nothing_is_loaded_from_elsewhere() {
        // The libraries know how to write such things; only what is around them is the page's own.
        let own = RUNTIME.iter().fold(render(&report()), |page, part| page.replace(part, ""));
        for loading in ["src=", "@import", "url(", "fetch(", "href=\"http"] {
            assert!(!own.contains(loading), "{loading}");
        }
    }

    #[test]
    fn a_verdict_is_a_word_and_a_symbol_with_its_numbers() {
        let page = render(&report());
        assert!(page.contains("\u{2717}\u{a0}fails"));
        assert!(page.contains("7e-4 [3e-4, inf]"));
    }

    #[test]
    fn a_report_without_figures_carries_no_drawing_library() {
        let page = render(&Report { title: "empty".to_owned(), ..Report::default() });
        assert!(page.len() < 20_000, "{} bytes", page.len());
        assert!(!page.contains("<h2"), "sections without content are left out");
    }
}
