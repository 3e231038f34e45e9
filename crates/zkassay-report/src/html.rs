//! The run as one HTML page that needs nothing else: no network, no other file.
//!
//! Plots are SVG, drawn here and readable without scripts; the script adds what moves: tooltips, the budget
//! form, sorting. A content security policy allows this style sheet and this script by their hashes, and
//! nothing else, so that no text of a record can become more than text. Switches (axes, scales, colours)
//! are radio buttons and style rules.

mod axis;
mod chart;
mod data;
mod figures;
mod group;
mod headline;
mod names;
mod quantity;
#[cfg(test)]
mod sample;
mod sections;
mod setting;
mod stages;
mod tables;
mod text;

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::choose::{self, Budget};
use crate::record::{Proving, RunRecord};
use crate::units;
use figures::Figures;
use group::Group;
use text::Text;

/// The page's style sheet.
const STYLE: &str = include_str!("html/style.css");
/// The page's script.
const SCRIPT: &str = include_str!("html/script.js");

/// The page `report.html`.
pub fn page(record: &RunRecord) -> String {
    let choice = choose::choose(record, &Budget::default());
    let figures = Figures::new(record);
    let groups = Group::all(record);
    let sections = [
        Section::new(
            "choose",
            "Choose",
            sections::budget(&choice, &figures, &groups),
        ),
        Section::new(
            "figures",
            "Figures",
            sections::article_figures(record, &figures, &groups),
        ),
        Section::new("models", "Models", sections::models(record)),
        Section::new(
            "quantisation",
            "Quantisation",
            sections::quantisation(record, &figures, &groups),
        ),
        Section::new("stages", "Stages", sections::time_by_stage(record)),
        Section::new("peers", "Other provers", sections::peers(record)),
        Section::new("article", "Beside the study", sections::article(record)),
        Section::new("audit", "Leak audit", sections::leaks(record)),
        Section::new("failures", "Failures", sections::failures(record)),
        Section::new(
            "setting",
            "Setting",
            sections::titled("Every setting and seed", "", &setting::setting(record)),
        ),
        Section::new(
            "repeat",
            "Repeat",
            sections::titled("How to repeat", "", &setting::repeat(record)),
        ),
    ];
    let mut page = head(record);
    page.push_str("<nav aria-label=\"Sections\"><ul>");
    for section in sections.iter().filter(|section| !section.html.is_empty()) {
        let _ = write!(
            page,
            "<li><a href=\"#{}\">{}</a></li>",
            section.id, section.name
        );
    }
    page.push_str("</ul></nav>\n<main>\n");
    warnings(&mut page, record);
    let _ = write!(
        page,
        "<section aria-labelledby=\"in-short\"><h2 id=\"in-short\" class=\"unseen\">In short</h2>\n{}</section>\n",
        headline::cards(record, &choice)
    );
    for section in sections.iter().filter(|section| !section.html.is_empty()) {
        let _ = write!(
            page,
            "<section id=\"{}\">\n{}</section>\n",
            section.id, section.html
        );
    }
    let _ = write!(
        page,
        "</main>\n<footer><p>Run <code>{}</code>, made by zkassay {}. This page loads nothing from \
         anywhere.</p></footer>\n<div id=\"tip\" role=\"tooltip\" hidden></div>\n\
         <script type=\"application/json\" id=\"data\">{}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        Text(&record.id),
        env!("CARGO_PKG_VERSION"),
        text::script_json(&data::data(record))
    );
    page
}

/// A part of the page with a link to it; absent if it is empty.
struct Section {
    id: &'static str,
    /// What the link says.
    name: &'static str,
    html: String,
}

impl Section {
    fn new(id: &'static str, name: &'static str, html: String) -> Self {
        Self { id, name, html }
    }
}

/// Everything before the sections: policy, style, title, switch of colours.
fn head(record: &RunRecord) -> String {
    let hash = |source: &str| text::base64(&Sha256::digest(source.as_bytes()));
    let models = units::models(record.models.len());
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'; \
         form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta name=\"generator\" content=\"zkassay {}\">\n\
         <title>zkassay: {} ({})</title>\n\
         <link rel=\"icon\" href=\"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' \
         viewBox='0 0 16 16'%3E%3Cpath d='M1 14V9h4V5h4V2h6v12z' fill='%230b63a5'/%3E%3C/svg%3E\">\n\
         <style>{STYLE}</style>\n</head>\n<body>\n",
        hash(STYLE),
        hash(SCRIPT),
        env!("CARGO_PKG_VERSION"),
        Text(&record.data.name),
        Text(&record.id),
    );
    out.push_str(&group::definitions());
    out.push_str(
        "<header class=\"top\">\n<fieldset class=\"switch theme\"><legend>Colours</legend>",
    );
    for (value, name) in [("auto", "Auto"), ("light", "Light"), ("dark", "Dark")] {
        let checked = if value == "auto" { " checked" } else { "" };
        let _ = write!(
            out,
            "<input type=\"radio\" name=\"theme\" id=\"theme-{value}\" value=\"{value}\"{checked}>\
             <label for=\"theme-{value}\">{name}</label>"
        );
    }
    let _ = write!(
        out,
        "</fieldset>\n<p class=\"brand\">zkassay</p>\n\
         <h1>What accuracy costs to prove</h1>\n\
         <p class=\"meta\">{models} on <strong>{}</strong>, {} test rows, {}. Run <code>{}</code> of \
         <span class=\"day\">{}</span>, profile {}, on {} with {}.</p>\n</header>\n",
        Text(&record.data.name),
        units::count(record.data.test_rows),
        Text(&record.data.sampling),
        Text(&record.id),
        Text(day(&record.created)),
        Text(&record.profile),
        Text(&record.host.cpu),
        match record.host.threads {
            1 => "1 thread".to_owned(),
            threads => format!("{threads} threads"),
        }
    );
    out
}

/// The day of a point in time of RFC 3339.
fn day(created: &str) -> &str {
    created.split('T').next().unwrap_or(created)
}

/// What speaks against the results.
fn warnings(page: &mut String, record: &RunRecord) {
    let mut warn = |title: &str, text: &str| {
        let _ = writeln!(
            page,
            "<aside class=\"warning\" role=\"note\"><strong>{title}</strong> {}</aside>",
            Text(text)
        );
    };
    for warning in &record.warnings {
        warn("Warning.", warning);
    }
    if !record.failures.is_empty() {
        let ours = record.failures.iter();
        let ours = ours
            .filter(|failure| failure.prover == Proving::ZKASSAY)
            .count();
        let peers = record.failures.len() - ours;
        let text = match (ours, peers) {
            (0, peers) => {
                format!("{peers} of the other provers' steps failed; what they said is below.")
            }
            (ours, 0) => format!("{ours} steps of this run failed; what was said is below."),
            (ours, peers) => format!(
                "{ours} steps of ours and {peers} of the other provers' failed; what was said is below."
            ),
        };
        warn("Not everything worked.", &text);
    }
    if record.srs.is_unsafe() {
        warn(
            "Parameters: unsafe-local.",
            "The structured reference string was made on this machine, so whoever ran this could forge \
             proofs. Sizes and times are those of real parameters, but rely on a proof only if its \
             parameters come from a public ceremony.",
        );
    }
}

#[cfg(test)]
mod tests;
