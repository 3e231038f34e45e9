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
    if let Some((of, difference)) = cheapest.and_then(|of| Some((of, of.difference_text(escape)?)))
    {
        let _ = writeln!(
            page,
            "- Cheaper, perhaps as good as the most accurate: **{}**, {}. {difference}",
            escape(&of.model.tag),
            of.model.describe()
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

/// The best model for each budget; budgets with the same one share a row.
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
        let cells = match choose(record, &budget).best {
            Some(model) => row(&model),
            None => ["none", NONE, NONE, NONE, NONE].map(str::to_owned).to_vec(),
        };
        let same = grid
            .rows
            .last_mut()
            .filter(|row| row.get(1..) == Some(cells.as_slice()));
        match (same.and_then(|row| row.first_mut()), limit) {
            (Some(name), Some(limit)) => {
                let _ = write!(name, ", {limit:.0} ms");
            }
            (Some(name), None) => name.push_str(", any"),
            (None, Some(limit)) => grid
                .rows
                .push([vec![format!("at most {limit:.0} ms")], cells].concat()),
            (None, None) => grid.rows.push([vec!["any".to_owned()], cells].concat()),
        }
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
        some => format!("; it failed on {}", units::models(some)),
    };
    let Some(time) = &speed.time else {
        return format!("{prover} proved no model that zkassay proved{failed}.");
    };
    let cpu = speed.cpu.as_ref().map(|cpu| {
        let spread = spread(cpu, speed.models);
        format!("{spread} times the CPU time of ours and ")
    });
    format!(
        "A proof by **{prover}** takes {}{} times as long ({}){failed}.",
        cpu.unwrap_or_default(),
        spread(time, speed.models),
        match speed.models {
            1 => "1 model".to_owned(),
            some => format!("medians over {}, ranges in brackets", units::models(some)),
        }
    )
}

/// `102 [37.1, 129]`; of one model there is no range.
fn spread(spread: &Spread, models: usize) -> String {
    if models <= 1 {
        return units::ratio(spread.median);
    }
    let [median, low, high] = [spread.median, spread.low, spread.high].map(units::ratio);
    format!("{median} [{low}, {high}]")
}
