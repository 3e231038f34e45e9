//! The parts of the page, each with its heading; empty where the record has nothing for it.

use std::fmt::Write as _;

use super::axis::Scale;
use super::figures::Figures;
use super::group::{self, Group};
use super::quantity::Quantity;
use super::text::Text;
use super::{headline, setting, stages, tables};
use crate::article;
use crate::choose::Choice;
use crate::record::{Proving, RunRecord, Stage};
use crate::{findings, speed, table, units};

/// A heading, a sentence about what follows, and what follows.
pub(super) fn titled(title: &str, lead: &str, html: &str) -> String {
    let lead = match lead.is_empty() {
        true => String::new(),
        false => format!("<p class=\"lead\">{lead}</p>\n"),
    };
    format!("<h2>{title}</h2>\n{lead}{html}")
}

/// The budget form, the frontier against every cost, and the frontier's table.
pub(super) fn budget(choice: &Choice, figures: &Figures, groups: &[Group]) -> String {
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
        let _ = writeln!(drawn, "<div class=\"plot at-{key}\">{plot}</div>");
    }
    switch.push_str("</fieldset>\n");
    let lines = [
        ("steps", "frontier: no model is cheaper and as accurate"),
        ("level", "majority"),
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

/// The study's two figures, redone.
pub(super) fn article_figures(record: &RunRecord, figures: &Figures, groups: &[Group]) -> String {
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
        let _ = match stage {
            Some(stage) => writeln!(
                panels,
                "<div class=\"pair\" data-panel=\"{}\"><div class=\"plot at-linear\">{}</div>\
                 <div class=\"plot at-log\">{}</div></div>",
                stage.name(),
                figures.cost(Some(stage), Scale::FromZero),
                figures.cost(Some(stage), Scale::Log)
            ),
            // Logrows are logarithms themselves.
            None => writeln!(panels, "<div>{}</div>", figures.cost(None, Scale::Whole)),
        };
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
         <fieldset class=\"switch\"><legend>Axes</legend>\
         <input type=\"radio\" name=\"scale\" id=\"scale-linear\"{linear}>\
         <label for=\"scale-linear\">Linear</label>\
         <input type=\"radio\" name=\"scale\" id=\"scale-log\"{log}>\
         <label for=\"scale-log\">Logarithmic</label></fieldset>\n\
         <div class=\"pairs\">\n{panels}</div>\n{}\
         <figcaption>Times are medians, bars their 95 % intervals (ranges below six samples); setup \
         makes both keys. Linear: both axes are, and what grows linearly is a straight line. A circuit of \
         logrows k has 2<sup>k</sup> rows.</figcaption></figure>\n",
        figures.accuracy(),
        group::legend(groups, &[], &[("level", "majority")]),
        group::legend(groups, &provers, &[])
    );
    let sentences = findings::findings(record).sentences();
    let said: String = sentences
        .iter()
        .map(|sentence| format!("<li>{}</li>\n", with_code(sentence)))
        .collect();
    titled(
        "Accuracy and cost against size",
        "The study says: accuracy grows with the number of neurons, cost grows linearly. This run says:",
        &format!("<ul class=\"findings\">\n{said}</ul>\n{html}"),
    )
}

fn is_timed(peer: &Proving) -> bool {
    let mut stages = [Stage::Setup, Stage::Prove, Stage::Verify].into_iter();
    stages.any(|stage| !peer.timings.of(stage).is_empty()) || peer.circuit.is_some()
}

/// All figures of all models, and what guessing achieves.
pub(super) fn models(record: &RunRecord) -> String {
    if record.models.is_empty() {
        return String::new();
    }
    let majority = tables::majority(record).map_or_else(String::new, |majority| {
        let majority = majority.replace(' ', "&nbsp;");
        format!(" Always giving the majority's label is right on {majority} of the test rows.")
    });
    titled(
        "All models",
        &format!(
            "Medians; accuracies with 95 % intervals.{majority}<span class=\"needs-js\"> A click on a \
             heading sorts.</span>"
        ),
        &tables::models(record),
    )
}

/// Float against quantised accuracy, and fidelity.
pub(super) fn quantisation(record: &RunRecord, figures: &Figures, groups: &[Group]) -> String {
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

/// The bars of all stages.
pub(super) fn time_by_stage(record: &RunRecord) -> String {
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
pub(super) fn peers(record: &RunRecord) -> String {
    let mut grid = table::peers(record);
    if grid.is_empty() {
        let lead = match group::peers(record).is_empty() {
            true => {
                "No other prover ran on these models. With <code>--peers ezkl</code> the experiment gives \
                 EZKL the same files and rows, and its figures stand here and in the plots."
            }
            false => "Other provers proved none of these models; what they said is below.",
        };
        return titled("Other provers", lead, "");
    }
    // In a column that stays in view every row names its model.
    let mut model = String::new();
    for cell in grid.rows.iter_mut().filter_map(|row| row.first_mut()) {
        match cell.is_empty() {
            true => cell.clone_from(&model),
            false => model.clone_from(cell),
        }
    }
    let mut ratios = String::from("<ul class=\"ratios\">\n");
    for speed in speed::speeds(record) {
        let spread = |spread: Option<speed::Spread>| {
            spread.map_or_else(
                || table::NONE.to_owned(),
                |of| {
                    let range = match speed.models {
                        1 => String::new(),
                        _ => format!(
                            " <span class=\"note\">[{}, {}]</span>",
                            units::ratio(of.low),
                            units::ratio(of.high)
                        ),
                    };
                    format!("<strong>{}×</strong>{range}", units::ratio(of.median))
                },
            )
        };
        let failed = match speed.failed {
            0 => String::new(),
            failed => format!(", failed on {}", units::models(failed)),
        };
        let _ = writeln!(
            ratios,
            "<li><h3>{}</h3><p>CPU time of a proof over ours {}</p><p>Wall time {}</p>\
             <p class=\"note\">Proved {} that we proved{failed}.</p></li>",
            Text(&speed.prover),
            spread(speed.cpu),
            spread(speed.time),
            units::models(speed.models),
        );
    }
    ratios.push_str("</ul>\n");
    ratios.push_str(&tables::plain(&grid, "Other provers beside ours", false));
    titled(
        "Other provers on the same files and rows",
        "Ratios are those of medians per model: the median over models, and in brackets the range. Our keys are in memory when a proof starts; EZKL reads its own at every proof, for \
         its library has no other way.",
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

/// The study's numbers beside ours, where it is about the same networks.
pub(super) fn article(record: &RunRecord) -> String {
    let grid = article::table(record);
    if grid.is_empty() {
        return String::new();
    }
    let mut html = tables::plain(&grid, "Beside the study", true);
    html.push_str("<ul class=\"note\">\n");
    for caveat in article::CAVEATS {
        let _ = writeln!(html, "<li>{}</li>", with_code(caveat));
    }
    html.push_str("</ul>\n");
    let lead = format!("{}.", Text(article::SOURCE.trim_end_matches('.')));
    titled("Beside the study", &lead, &html)
}

/// The leak audit.
pub(super) fn leaks(record: &RunRecord) -> String {
    let html = match &record.audit {
        Some(audit) => setting::audit(audit),
        None => return String::new(),
    };
    titled(
        "Leak audit",
        "Does a score rest on what was not yet known? One simple classifier, scored with the features as given and with all but prices a day later. If the \
         delay costs much, the features knew too much.",
        &html,
    )
}

/// What failed, with its messages.
pub(super) fn failures(record: &RunRecord) -> String {
    let html = match record.failures.is_empty() {
        true => "<p>None: every model was trained, proved and verified.</p>\n".to_owned(),
        false => tables::plain(&table::failures(record), "Failures", true),
    };
    titled("What failed", "", &html)
}
