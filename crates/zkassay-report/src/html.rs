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
mod quantity;
#[cfg(test)]
mod sample;
mod setting;
mod stages;
mod tables;
mod text;

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::article;
use crate::choose::{self, Budget, Choice};
use crate::record::{Proving, RunRecord, Stage};
use crate::{speed, table, units};
use axis::Scale;
use figures::Figures;
use group::Group;
use quantity::Quantity;
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
        Section::new("choose", "Choose", budget(&choice, &figures, &groups)),
        Section::new(
            "figures",
            "Figures",
            article_figures(record, &figures, &groups),
        ),
        Section::new("models", "Models", models(record)),
        Section::new(
            "quantisation",
            "Quantisation",
            quantisation(record, &figures, &groups),
        ),
        Section::new("stages", "Stages", time_by_stage(record)),
        Section::new("peers", "Other provers", peers(record)),
        Section::new("article", "The article", article(record)),
        Section::new("audit", "Leak audit", leaks(record)),
        Section::new("failures", "Failures", failures(record)),
        Section::new(
            "setting",
            "Setting",
            titled("Every setting and seed", "", &setting::setting(record)),
        ),
        Section::new(
            "repeat",
            "Repeat",
            titled("How to repeat", "", &setting::repeat(record)),
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

/// A heading, a sentence about what follows, and what follows.
fn titled(title: &str, lead: &str, html: &str) -> String {
    let lead = match lead.is_empty() {
        true => String::new(),
        false => format!("<p class=\"lead\">{lead}</p>\n"),
    };
    format!("<h2>{title}</h2>\n{lead}{html}")
}

/// Everything before the sections: policy, style, title, switch of colours.
fn head(record: &RunRecord) -> String {
    let hash = |source: &str| text::base64(&Sha256::digest(source.as_bytes()));
    let models = match record.models.len() {
        1 => "1 model".to_owned(),
        count => format!("{} models", units::count(count)),
    };
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
         {}, profile {}, on {} with {}.</p>\n</header>\n",
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

/// The budget form, the frontier against every cost, and the frontier's table.
fn budget(choice: &Choice, figures: &Figures, groups: &[Group]) -> String {
    let plots: Vec<(Quantity, String)> = Quantity::ALL
        .into_iter()
        .filter_map(|cost| Some((cost, figures.frontier(cost)?)))
        .collect();
    if plots.is_empty() {
        return titled(
            "The best model within a budget",
            "No model has both an accuracy and a cost, so there is nothing to choose from.",
            "",
        );
    }
    let mut switch = String::from("<fieldset class=\"switch\"><legend>Cost</legend>");
    let mut drawn = String::new();
    for (index, (cost, plot)) in plots.iter().enumerate() {
        let checked = if index == 0 { " checked" } else { "" };
        let (key, name) = (cost.key(), cost.name());
        let _ = write!(
            switch,
            "<input type=\"radio\" name=\"cost\" id=\"cost-{key}\"{checked}>\
             <label for=\"cost-{key}\">{name}</label>"
        );
        let _ = write!(drawn, "<div class=\"plot at-{key}\">{plot}</div>\n");
    }
    switch.push_str("</fieldset>\n");
    let lines = [
        ("steps", "frontier: no model is cheaper and as accurate"),
        ("level", "guessing"),
    ];
    let html = format!(
        "<div class=\"choice\">\n{}<figure class=\"panel frontier\">\n{switch}{drawn}{}\
         <figcaption>Bars are 95 % intervals of the accuracy on the test rows.</figcaption>\
         </figure>\n</div>\n<h3>The best model for every budget</h3>\n{}",
        headline::FORM,
        group::legend(groups, &[], &lines),
        headline::frontier(choice)
    );
    titled(
        "The best model within a budget",
        "Each point is a model: how often it is right once quantised, and what proving that costs. Models \
         on the line are the ones to choose from.",
        &html,
    )
}

/// The article's two figures, redone.
fn article_figures(record: &RunRecord, figures: &Figures, groups: &[Group]) -> String {
    if record.models.is_empty() {
        return String::new();
    }
    let provers: Vec<&str> = group::peers(record)
        .into_iter()
        .filter(|prover| {
            let mut peers = record.models.iter().flat_map(|model| &model.peers);
            peers.any(|peer| peer.prover == *prover && is_timed(peer))
        })
        .collect();
    let stages = [
        Some(Stage::Setup),
        Some(Stage::Prove),
        Some(Stage::Verify),
        None,
    ];
    let mut panels = String::new();
    for stage in stages {
        let name = stage.map_or("logrows", Stage::name);
        let _ = write!(
            panels,
            "<div class=\"pair\" data-panel=\"{name}\"><div class=\"plot at-linear\">{}</div>\
             <div class=\"plot at-log\">{}</div></div>\n",
            figures.cost(stage, Scale::FromZero),
            figures.cost(stage, Scale::Log)
        );
    }
    // Other provers are a hundred times away.
    let (linear, log) = match provers.is_empty() {
        true => (" checked", ""),
        false => ("", " checked"),
    };
    let html = format!(
        "<figure class=\"panel\"><h3>Accuracy against parameters</h3>\n{}{}\
         <figcaption>Bars are 95 % intervals; the dashed line is always giving the training rows' majority \
         label.</figcaption></figure>\n\
         <figure class=\"panel\"><h3>Cost against parameters</h3>\n\
         <fieldset class=\"switch\"><legend>Times</legend>\
         <input type=\"radio\" name=\"scale\" id=\"scale-linear\"{linear}>\
         <label for=\"scale-linear\">Linear</label>\
         <input type=\"radio\" name=\"scale\" id=\"scale-log\"{log}>\
         <label for=\"scale-log\">Logarithmic</label></fieldset>\n\
         <div class=\"pairs\">\n{panels}</div>\n{}\
         <figcaption>Times are means, bars their standard errors; setup makes both keys. A circuit of logrows \
         k has 2<sup>k</sup> rows.</figcaption></figure>\n",
        figures.accuracy(),
        group::legend(groups, &[], &[("level", "guessing")]),
        group::legend(groups, &provers, &[])
    );
    titled(
        "Accuracy and cost against size",
        "The two figures of the article, from this run.",
        &html,
    )
}

fn is_timed(peer: &Proving) -> bool {
    let mut stages = [Stage::Setup, Stage::Prove, Stage::Verify].into_iter();
    stages.any(|stage| !peer.timings.of(stage).is_empty()) || peer.circuit.is_some()
}

fn models(record: &RunRecord) -> String {
    if record.models.is_empty() {
        return String::new();
    }
    titled(
        "All models",
        "Medians; accuracies with 95 % intervals.<span class=\"needs-js\"> A click on a heading sorts.</span>",
        &tables::models(record),
    )
}

fn quantisation(record: &RunRecord, figures: &Figures, groups: &[Group]) -> String {
    if record.models.is_empty() {
        return String::new();
    }
    let html = format!(
        "<div class=\"beside\">\n<figure class=\"panel\">{}{}\
         <figcaption>On the line, proving costs no accuracy.</figcaption></figure>\n{}</div>\n",
        figures.diagonal(),
        group::legend(groups, &[], &[("level", "equal")]),
        tables::fidelity(record)
    );
    titled(
        "What quantisation changes",
        "What is proved is the quantised model. Its accuracy beside that of the trained one, and how far its \
         outputs are from the trained one's.",
        &html,
    )
}

fn time_by_stage(record: &RunRecord) -> String {
    if record.models.is_empty() {
        return String::new();
    }
    titled(
        "Where the time goes",
        "Medians of every stage: what happens once per model, and what every proof needs. Each of the two \
         columns of bars has its own scale; training is all rounds together.",
        &stages::html(record),
    )
}

/// Other provers' ratios and figures, with what they failed at.
fn peers(record: &RunRecord) -> String {
    let grid = table::peers(record);
    if grid.is_empty() {
        return titled(
            "Other provers",
            "No other prover ran on these models. With <code>--peers ezkl</code> the experiment gives EZKL the \
             same files and rows, and its figures stand here and in the plots.",
            "",
        );
    }
    let mut ratios = String::from("<ul class=\"ratios\">\n");
    for speed in speed::speeds(record) {
        let spread = |spread: Option<speed::Spread>| {
            spread.map_or_else(
                || table::NONE.to_owned(),
                |of| {
                    format!(
                        "<strong>{}×</strong> <span class=\"note\">({} to {})</span>",
                        units::ratio(of.median),
                        units::ratio(of.low),
                        units::ratio(of.high)
                    )
                },
            )
        };
        let failed = match speed.failed {
            0 => String::new(),
            failed => format!(", failed on {failed}"),
        };
        let _ = writeln!(
            ratios,
            "<li><h3>{}</h3><p>Time of a proof over ours {}</p><p>CPU time {}</p>\
             <p class=\"note\">Proved {} models that we proved{failed}.</p></li>",
            Text(&speed.prover),
            spread(speed.time),
            spread(speed.cpu),
            speed.models,
        );
    }
    ratios.push_str("</ul>\n");
    ratios.push_str(&tables::plain(&grid, "Other provers beside ours", false));
    titled(
        "Other provers on the same files and rows",
        "Ratios are those of medians per model: the median over models, and in parentheses the least and \
         the greatest.",
        &ratios,
    )
}

/// Text with what is between backticks as code.
fn with_code(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(index, part)| match index % 2 {
        1 => format!("<code>{}</code>", Text(part)),
        _ => Text(part).to_string(),
    });
    parts.collect()
}

/// The article's numbers beside ours, where it is about the same networks.
fn article(record: &RunRecord) -> String {
    let grid = article::table(record);
    if grid.is_empty() {
        return String::new();
    }
    let mut html = tables::plain(&grid, "The article's numbers beside ours", true);
    html.push_str("<ul class=\"note\">\n");
    for caveat in article::CAVEATS {
        let _ = writeln!(html, "<li>{}</li>", with_code(caveat));
    }
    html.push_str("</ul>\n");
    let lead = format!("{}.", Text(article::SOURCE.trim_end_matches('.')));
    titled("The article's numbers beside these", &lead, &html)
}

fn leaks(record: &RunRecord) -> String {
    let html = match &record.audit {
        Some(audit) => setting::audit(audit),
        None => return String::new(),
    };
    titled(
        "Does a score rest on what was not yet known?",
        "One simple classifier, scored with the features as given and with all but prices a day later. If the \
         delay costs much, the features knew too much.",
        &html,
    )
}

fn failures(record: &RunRecord) -> String {
    let html = match record.failures.is_empty() {
        true => "<p>None: every model was trained, proved and verified.</p>\n".to_owned(),
        false => tables::plain(&table::failures(record), "Failures", true),
    };
    titled("What failed", "", &html)
}

#[cfg(test)]
mod tests;
