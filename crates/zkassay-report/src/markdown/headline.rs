//! The run in a few lines: the best model for a budget, and how much longer the peers take.

use std::fmt::Write as _;

use crate::choose::{Budget, Candidate, choose};
use crate::grid::{Grid, Heading, escape};
use crate::record::RunRecord;
use crate::speed::{Speed, Spread, speeds};
use crate::table::NONE;
use crate::units;

/// Budgets for a proof in milliseconds.
const BUDGETS: [f64; 3] = [20.0, 50.0, 100.0];

/// Among so many models the best is not yet much luckier than the rest.
const FEW: usize = 3;

pub(super) fn write(page: &mut String, record: &RunRecord) {
    let _ = writeln!(page, "{}", best(record).markdown());
    let choice = choose(record, &Budget::default());
    let cheapest = choice.cheapest.as_ref();
    if let Some((model, Some(found))) = cheapest.map(|of| (&of.model, of.difference)) {
        let _ = writeln!(
            page,
            "- Cheapest model that cannot be told apart from the most accurate: **{}**, {}; {}.",
            escape(&model.tag),
            model.describe(),
            found.method.describe()
        );
    }
    if choice.within.len() > FEW {
        let _ = writeln!(
            page,
            "- The best of {} models on the same rows is in part the luckiest; the intervals are those \
             of one model by itself.",
            choice.within.len()
        );
    }
    for speed in speeds(record) {
        let _ = writeln!(page, "- {}", sentence(&speed));
    }
}

/// The best model for each budget.
fn best(record: &RunRecord) -> Grid {
    let mut grid = Grid::new([
        Heading::left("Time of a proof", ""),
        Heading::left("Best model", ""),
        Heading::right("Quantised accuracy", ""),
        Heading::right("Prove", ""),
        Heading::right("Verify", ""),
        Heading::right("Proof", ""),
    ]);
    for limit in BUDGETS.map(Some).into_iter().chain([None]) {
        let budget = Budget {
            max_prove_ms: limit,
            ..Budget::default()
        };
        let name = limit.map_or_else(
            || "any".to_owned(),
            |limit| format!("at most {limit:.0} ms"),
        );
        let cells = match choose(record, &budget).best {
            Some(model) => row(&model),
            None => ["none", NONE, NONE, NONE, NONE].map(str::to_owned).to_vec(),
        };
        grid.rows.push([vec![name], cells].concat());
    }
    grid
}

fn row(model: &Candidate) -> Vec<String> {
    let time = |value: Option<f64>| value.map_or_else(|| NONE.to_owned(), units::time);
    let size = model.proof_bytes;
    vec![
        model.tag.clone(),
        model.accuracy_text(),
        time(model.prove_ms),
        time(model.verify_ms),
        size.map_or_else(|| NONE.to_owned(), units::bytes),
    ]
}

/// `EZKL fixed takes 102 times the CPU time ...`.
fn sentence(speed: &Speed) -> String {
    let prover = escape(&speed.prover);
    let failed = match speed.failed {
        0 => String::new(),
        1 => "; it failed on 1 model".to_owned(),
        some => format!("; it failed on {some} models"),
    };
    let Some(time) = &speed.time else {
        return format!("{prover} proved no model that zkassay proved{failed}.");
    };
    let cpu = speed.cpu.as_ref().map(|cpu| {
        let spread = spread(cpu);
        format!("{spread} times the CPU time of ours and ")
    });
    format!(
        "A proof by **{prover}** takes {}{} times as long (median over {}, range in brackets){failed}.",
        cpu.unwrap_or_default(),
        spread(time),
        match speed.models {
            1 => "1 model".to_owned(),
            some => format!("{some} models"),
        }
    )
}

/// `102 [37.1, 129]`.
fn spread(spread: &Spread) -> String {
    let [median, low, high] = [spread.median, spread.low, spread.high].map(units::ratio);
    format!("{median} [{low}, {high}]")
}
