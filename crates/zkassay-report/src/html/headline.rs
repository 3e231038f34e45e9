//! The first screen: what came out, in four cards; and the budget form with the frontier's table.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::quantity::Unit;
use super::tables;
use super::text::Text;
use crate::choose::{self, Budget, Candidate, Cheapest, Choice};
use crate::grid::{Grid, Heading};
use crate::record::{RunRecord, Stage};
use crate::speed::{self, Spread};
use crate::{table, units};

/// The cards, from the run's choice without limits.
pub(super) fn cards(record: &RunRecord, choice: &Choice) -> String {
    let mut out = String::from("<div class=\"cards\">\n");
    match &choice.best {
        Some(best) => {
            let accuracy = best.accuracy.map_or_else(String::new, units::percent);
            card(&mut out, "Most accurate", &accuracy, &best.tag, &line(best));
        }
        None => card(&mut out, "Most accurate", "", "", "No model was proved."),
    }
    if let (Some(best), Some(cheapest)) = (&choice.best, &choice.cheapest) {
        cheaper_card(&mut out, record, best, cheapest);
    }
    majority_card(&mut out, record);
    speed_card(&mut out, record);
    out.push_str("</div>\n");
    out
}

/// Title, big figure, the model it belongs to (either may be empty), and a sentence.
fn card(out: &mut String, title: &str, big: &str, tag: &str, text: &str) {
    let _ = write!(out, "<div class=\"card\"><h3>{}</h3>", Text(title));
    if !big.is_empty() {
        let _ = write!(out, "<p class=\"big\">{}</p>", Text(big));
    }
    if !tag.is_empty() {
        let _ = write!(out, "<p class=\"tag\">{}</p>", Text(tag));
    }
    let _ = writeln!(out, "<p>{}</p></div>", Text(text));
}

/// The cheapest model that may be as accurate as the best, with how far it may be behind.
fn cheaper_card(out: &mut String, record: &RunRecord, best: &Candidate, cheapest: &Cheapest) {
    const TITLE: &str = "Cheaper, perhaps as good";
    let model = &cheapest.model;
    let Some(found) = &cheapest.difference else {
        // Of one model there is nothing to say.
        if record.models.len() > 1 {
            let text = format!(
                "None: no cheaper model is above the majority baseline and perhaps as accurate as {}.",
                best.tag
            );
            card(out, TITLE, "", "", &text);
        }
        return;
    };
    let accuracy = model.accuracy.map_or_else(String::new, units::percent);
    let tag = format!("{}, {}", model.tag, show(model.prove_ms, Unit::Time));
    let points = found.difference;
    let text = format!(
        "{:.1} points less than {} [{:+.1}, {:+.1}]; {} cannot tell the two apart.",
        // Adding zero turns -0 into 0.
        points.value * 100.0 + 0.0,
        best.tag,
        points.low * 100.0,
        points.high * 100.0,
        units::counted(cheapest.rows, "row")
    );
    card(out, TITLE, &accuracy, &tag, &text);
}

/// How many models are better than always giving the majority's label.
fn majority_card(out: &mut String, record: &RunRecord) {
    if record.models.is_empty() {
        return;
    }
    let above = record.models.iter().filter(|model| model.beats_majority());
    let big = format!("{} of {}", above.count(), record.models.len());
    let mut text = match tables::majority(record) {
        Some(majority) => {
            format!("Models whose whole 95 % interval is above the majority's {majority}.")
        }
        None => "Models whose whole 95 % interval is above always giving the majority's label."
            .to_owned(),
    };
    // Where the rounded numbers are equal, one more digit says which is greater.
    let close = record.models.iter().filter_map(|model| {
        let low = model.accuracy.quantized.as_ref()?.low;
        let majority = model.accuracy.majority.value;
        (units::percent(low) == units::percent(majority)).then_some((model, low, majority))
    });
    for (model, low, majority) in close.take(2) {
        let _ = write!(
            text,
            " {}: from {:.2} %, the majority is {:.2} %.",
            model.tag,
            low * 100.0,
            majority * 100.0
        );
    }
    card(out, "Above the majority baseline", &big, "", &text);
}

/// The ratio to the peer that comes closest: CPU time first, for it does not depend on how many threads
/// either uses. No card without a peer's proofs.
fn speed_card(out: &mut String, record: &RunRecord) {
    let speeds = speed::speeds(record);
    let timed = speeds
        .iter()
        .filter_map(|speed| Some((speed, speed.cpu.or(speed.time)?)));
    let closest = timed.min_by(|(_, a), (_, b)| a.median.total_cmp(&b.median));
    let Some((closest, lead)) = closest else {
        return;
    };
    let peers = record.models.iter().flat_map(|model| &model.peers);
    let proofs: usize = peers
        .filter(|peer| peer.prover == closest.prover)
        .map(|peer| peer.timings.of(Stage::Prove).len())
        .sum();
    let (models, proofs) = (
        units::models(closest.models),
        units::counted(proofs, "proof"),
    );
    let of = match closest.models {
        1 => format!("{models}, {proofs}"),
        _ => format!("median of {models}{}, {proofs}", range(lead)),
    };
    let (kind, wall) = match (closest.cpu, closest.time) {
        (Some(_), Some(time)) => (
            "CPU",
            match closest.models {
                1 => format!(" Wall time: {}×.", units::ratio(time.median)),
                _ => format!(" Wall time: {}×{}.", units::ratio(time.median), range(time)),
            },
        ),
        (Some(_), None) => ("CPU", String::new()),
        (None, _) => ("time", String::new()),
    };
    let text = format!(
        "{} of its proof over that of ours: {of}.{wall}",
        match kind {
            "CPU" => "CPU time",
            _ => "Wall time",
        }
    );
    let big = format!("{}× {kind}", units::ratio(lead.median));
    card(out, &format!("Against {}", closest.prover), &big, "", &text);
}

/// ` [37.1, 129]`.
fn range(spread: Spread) -> String {
    format!(
        " [{}, {}]",
        units::ratio(spread.low),
        units::ratio(spread.high)
    )
}

/// `14.9 ms to prove, 1.60 ms to verify, 736 B per proof`.
fn line(model: &Candidate) -> String {
    format!(
        "{} to prove, {} to verify, {} per proof.",
        show(model.prove_ms, Unit::Time),
        show(model.verify_ms, Unit::Time),
        table::bytes(model.proof_bytes)
    )
}

fn show(value: Option<f64>, unit: Unit) -> String {
    value.map_or_else(|| table::NONE.to_owned(), |value| unit.show(value))
}

/// The best model for every budget of proving time: the frontier as a table.
pub(super) fn frontier(choice: &Choice) -> String {
    if choice.frontier.is_empty() {
        return String::new();
    }
    let mut grid = Grid::new([
        Heading::left("Best model", ""),
        Heading::right("If a proof may take", "median time of a proof"),
        Heading::right(
            "Quantised accuracy",
            "of the model that is proved, with its 95 % interval",
        ),
        Heading::right("Parameters", ""),
        Heading::right("Verify", "median time to verify one proof"),
        Heading::right("Proof", "size of one proof"),
        Heading::right("Proving key", ""),
        Heading::right("Memory", "most memory of the prover"),
    ]);
    for model in &choice.frontier {
        grid.rows.push(vec![
            model.tag.clone(),
            show(model.prove_ms, Unit::Time),
            model.accuracy_text(),
            units::count(model.parameters),
            show(model.verify_ms, Unit::Time),
            table::bytes(model.proof_bytes),
            table::bytes(model.pk_bytes),
            table::bytes(model.memory_bytes),
        ]);
    }
    tables::plain(&grid, "The best model per budget", false)
}

/// The budget form, for scripts: one slider per limit; its values are in the page's data.
pub(super) const FORM: &str = "\
<form class=\"budget needs-js\" id=\"budget\">
<h3>Your budget</h3>
<label for=\"max-prove\">A proof takes at most <output id=\"max-prove-shown\">any time</output></label>
<input type=\"range\" id=\"max-prove\" min=\"0\" max=\"1\" value=\"1\">
<label for=\"max-proof\">A proof is at most <output id=\"max-proof-shown\">any size</output></label>
<input type=\"range\" id=\"max-proof\" min=\"0\" max=\"1\" value=\"1\">
<label for=\"min-accuracy\">Accuracy at least <output id=\"min-accuracy-shown\">any</output></label>
<input type=\"range\" id=\"min-accuracy\" min=\"0\" max=\"1\" value=\"0\">
<div class=\"picked\" role=\"status\" aria-live=\"polite\"><p class=\"count\" id=\"picked-count\"></p>\
<p class=\"big\" id=\"picked-tag\"></p><ul class=\"note\" id=\"picked-hints\"></ul><dl id=\"picked-rows\"></dl></div>
<p class=\"note\" id=\"picked-where\">In the run's folder:</p>\
<p class=\"command\"><code id=\"picked-command\"></code>\
<button type=\"button\" class=\"copy\" data-copy=\"picked-command\">Copy</button></p>
</form>
";

/// The limits that the form's sliders can be set to: value, text, and as `zkassay choose` reads it.
/// Every model's figure is one of them, rounded so that the model is within.
pub(super) fn limits(record: &RunRecord) -> Value {
    let all = choose::choose(record, &Budget::default());
    let values = |of: fn(&Candidate) -> Option<f64>| all.within.iter().filter_map(of);
    let prove = steps(values(|model| model.prove_ms), |value| {
        let value = three_digits(value, f64::ceil);
        (value, units::time(value), format!("{}ms", plain(value)))
    });
    let proof = steps(
        values(|model| model.proof_bytes.map(|bytes| bytes as f64)),
        |value| {
            let value = three_digits(value, f64::ceil).ceil();
            (
                value,
                units::bytes(value as u64),
                format!("{}B", plain(value)),
            )
        },
    );
    let accuracy = steps(values(|model| model.accuracy), |value| {
        let value = (value * 1e3).floor() / 1e3;
        (value, units::percent(value), plain(value))
    });
    json!({ "prove": prove, "proof": proof, "accuracy": accuracy })
}

fn steps(
    values: impl Iterator<Item = f64>,
    step: impl Fn(f64) -> (f64, String, String),
) -> Vec<(f64, String, String)> {
    let mut steps: Vec<_> = values
        .filter(|value| value.is_finite() && *value >= 0.0)
        .map(step)
        .collect();
    steps.sort_by(|a, b| a.0.total_cmp(&b.0));
    steps.dedup_by(|a, b| a.2 == b.2);
    steps
}

/// A number as it is typed: no exponent, no digits that are only rounding.
fn plain(value: f64) -> String {
    let text = format!("{value:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}

/// `value` with three significant digits, rounded by `round`.
fn three_digits(value: f64, round: fn(f64) -> f64) -> f64 {
    if value <= 0.0 {
        return 0.0;
    }
    let unit = 10_f64.powf(value.log10().floor() - 2.0);
    // What is a multiple but for its last bit stays.
    round(value / unit * (1.0 - 1e-12)) * unit
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Proportion;
    use crate::testing::run_record;

    fn choice(record: &RunRecord) -> Choice {
        choose::choose(record, &Budget::default())
    }

    #[test]
    fn cards_name_best_and_ratio() {
        let record = run_record();
        let html = cards(&record, &choice(&record));
        assert!(
            html.contains("<p class=\"big\">99.3 %</p><p class=\"tag\">64-32</p>"),
            "{html}"
        );
        assert!(html.contains("<p class=\"big\">2 of 2</p>"), "{html}");
        assert!(
            html.contains("<h3>Against EZKL fixed</h3><p class=\"big\">102× CPU</p>"),
            "{html}"
        );
        assert!(
            html.contains(
                "CPU time of its proof over that of ours: 1 model, 2 proofs. Wall time: 100×."
            ),
            "{html}"
        );
    }

    #[test]
    fn without_a_peer_there_is_no_card() {
        let mut record = run_record();
        record
            .models
            .iter_mut()
            .for_each(|model| model.peers.clear());
        record.failures.clear();
        assert!(!cards(&record, &choice(&record)).contains("<h3>Against"));
    }

    #[test]
    fn a_range_is_given_of_several_models_only() {
        let mut record = run_record();
        let mut again = record.models[0].clone();
        again.tag = "again".into();
        let cpu = &mut again.peers[0].cpu;
        *cpu = crate::Timings::default();
        cpu.push(Stage::Prove, 230.0);
        record.models.push(again);
        let html = cards(&record, &choice(&record));
        assert!(
            html.contains("median of 2 models [10.0, 102], 4 proofs. Wall time: 100× [100, 100]."),
            "{html}"
        );
    }

    #[test]
    fn a_cheaper_model_has_its_accuracy_and_how_far_it_may_be_behind() {
        let mut record = run_record();
        let best = record.models[0].accuracy.clone();
        record.models[1].accuracy = best;
        let correct = Proportion {
            correct: 104,
            total: 150,
        };
        let best = record.models[1].accuracy.quantized.as_mut().unwrap();
        (best.value, best.rounds) = (0.6933, vec![correct]);
        let html = cards(&record, &choice(&record));
        assert!(
            html.contains(
                "<h3>Cheaper, perhaps as good</h3><p class=\"big\">66.0 %</p>\
                 <p class=\"tag\">logistic, 14.9 ms</p><p>3.3 points less than 64-32 [-"
            ),
            "{html}"
        );
        assert!(
            html.contains("]; 150 rows cannot tell the two apart."),
            "{html}"
        );
        let html = cards(&run_record(), &choice(&run_record()));
        assert!(html.contains("None: no cheaper model"), "{html}");
        record.models.truncate(1);
        assert!(!cards(&record, &choice(&record)).contains("Cheaper"));
    }

    #[test]
    fn equal_numbers_have_a_second_decimal() {
        let mut record = run_record();
        assert!(!cards(&record, &choice(&record)).contains("from "));
        record.models[0].accuracy.quantized.as_mut().unwrap().low = 0.52041;
        let html = cards(&record, &choice(&record));
        assert!(
            html.contains(
                "the majority&#39;s 52.0 %. logistic: from 52.04 %, the majority is 52.00 %."
            ),
            "{html}"
        );
        assert!(html.contains("<p class=\"big\">2 of 2</p>"), "{html}");
    }

    #[test]
    fn every_model_is_within_the_limit_that_is_its_own() {
        let mut record = run_record();
        record.models[0].proving.timings = crate::Timings::default();
        let timings = &mut record.models[0].proving.timings;
        timings.push(crate::Stage::Prove, 14.9449);
        let limits = limits(&record);
        assert_eq!(limits["prove"][0][1], "15.0 ms");
        assert_eq!(limits["prove"][0][2], "15ms");
        assert_eq!(limits["prove"][1][2], "1100ms");
        assert_eq!(limits["proof"][0][2], "736B");
        assert_eq!(limits["proof"][1][2], "3590B");
        assert_eq!(limits["accuracy"][0][2], "0.66");
        assert_eq!(limits["accuracy"][1][2], "0.993");
    }

    #[test]
    fn typed_numbers_are_plain() {
        assert_eq!(plain(14.900_000_000_000_002), "14.9");
        assert_eq!(plain(1100.0), "1100");
        assert_eq!(three_digits(14.9, f64::ceil), 14.9);
        assert_eq!(three_digits(1100.0, f64::ceil), 1100.0);
        assert_eq!(three_digits(0.0, f64::ceil), 0.0);
    }
}
