//! What the run was made of: audit, machine, data, seeds, settings, and how to repeat it.

use std::fmt::Write as _;

use super::axis::{Axis, Scale};
use super::quantity::Unit;
use super::tables;
use super::text::{Text, shortened};
use crate::grid::{Grid, Heading};
use crate::record::{AuditRecord, ModelRecord, Proving, RunRecord};
use crate::units;

/// Standard errors on either side that hold 95 % of a normal distribution.
const SPREAD: f64 = 1.96;

/// The leak audit: three scores with their intervals, suspects and verdict.
pub(super) fn audit(audit: &AuditRecord) -> String {
    const LENGTH: f64 = 600.0;
    let scores = [
        ("Prices alone", &audit.prices_only),
        ("All, as given", &audit.as_given),
        ("All, other sources a day late", &audit.delayed),
    ];
    let ends = scores.iter().flat_map(|(_, score)| {
        let half = SPREAD * score.standard_error;
        [score.mean - half, score.mean + half].map(|share| share * 100.0)
    });
    let axis = Axis::new(
        ends.chain([50.0]),
        Scale::Linear,
        Unit::Percent,
        LENGTH,
        |_| 60.0,
    );
    let place = |share: f64| axis.position(share * 100.0).map(|place| place * LENGTH);
    let mut out = format!(
        "<p class=\"verdict\">{}.</p>\n{}<table class=\"bars audit\"><thead><tr>\
         <th scope=\"col\" class=\"l\">Features</th><th scope=\"col\" class=\"r\">Accuracy</th>\
         <td class=\"bar\" aria-hidden=\"true\"></td></tr></thead><tbody>\n",
        Text(units::sentence(&audit.verdict).trim_end_matches('.')),
        tables::scroll_start("Leak audit")
    );
    for (name, score) in scores {
        let half = SPREAD * score.standard_error;
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{name}</th><td>{} [{:.1}, {:.1}]</td><td class=\"bar\">\
             <svg viewBox=\"0 0 {LENGTH} 24\" preserveAspectRatio=\"none\" aria-hidden=\"true\">",
            units::percent(score.mean),
            (score.mean - half) * 100.0,
            (score.mean + half) * 100.0
        );
        for (value, _) in &axis.ticks {
            if let Some(x) = place(value / 100.0) {
                let class = if (value - 50.0).abs() < 1e-9 {
                    "level"
                } else {
                    "grid"
                };
                let _ = write!(out, "<path class=\"{class}\" d=\"M{x:.1} 0v24\"/>");
            }
        }
        let ends = (
            place(score.mean - half),
            place(score.mean),
            place(score.mean + half),
        );
        if let (Some(low), Some(mean), Some(high)) = ends {
            let _ = write!(
                out,
                "<path class=\"span\" d=\"M{low:.1} 12H{high:.1}\"/>\
                 <path class=\"mean\" d=\"M{mean:.1} 5v14\"/>"
            );
        }
        out.push_str("</svg></td></tr>\n");
    }
    ticks(&mut out, &axis);
    let _ = write!(
        out,
        "</tbody></table></div>\n<p class=\"note\">{}. In brackets, and as bars: 95 % intervals, 1.96 \
         standard errors to either side; the dashed line is 50&nbsp;%.</p>\n",
        Text(units::sentence(&audit.method).trim_end_matches('.'))
    );
    if !audit.suspects.is_empty() {
        out.push_str("<p>Features that look as if they knew the label: ");
        for (index, suspect) in audit.suspects.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            let _ = write!(out, "{comma}<code>{}</code>", Text(suspect));
        }
        out.push_str(".</p>\n");
    }
    out
}

/// The row below the bars: what the lines across them stand for.
fn ticks(out: &mut String, axis: &Axis) {
    /// Labels that a phone has room for.
    const MOST: usize = 5;
    out.push_str(
        "<tr class=\"ticks\" aria-hidden=\"true\"><td></td><td></td><td class=\"bar\"><svg>",
    );
    let step = axis.ticks.len().div_ceil(MOST).max(1);
    for (value, label) in axis.ticks.iter().step_by(step) {
        let Some(place) = axis.position(*value) else {
            continue;
        };
        let class = match place {
            place if place < 0.05 => "",
            place if place > 0.95 => " class=\"end\"",
            _ => " class=\"tx\"",
        };
        let _ = write!(
            out,
            "<text{class} x=\"{:.1}%\" y=\"14\">{label}</text>",
            place * 100.0
        );
    }
    out.push_str("</svg></td></tr>\n");
}

/// `4, the run had 2 threads`.
fn cores(cores: usize, threads: usize) -> String {
    match threads {
        1 if cores > 1 => format!("{cores}, the run had 1 thread"),
        threads if threads == cores => format!("{cores}, all used"),
        threads => format!("{cores}, the run had {threads} threads"),
    }
}

/// Machine, data, seed, and every setting.
pub(super) fn setting(record: &RunRecord) -> String {
    let (host, data) = (&record.host, &record.data);
    let minutes = match record.seconds {
        seconds if seconds < 120.0 => format!("{seconds:.0} s"),
        seconds if seconds < 7200.0 => format!("{:.0} minutes", seconds / 60.0),
        seconds => format!("{:.1} hours", seconds / 3600.0),
    };
    let facts: [(&str, String); 15] = [
        ("Run", record.id.clone()),
        ("Started", record.created.clone()),
        ("Took", minutes),
        ("Profile", record.profile.clone()),
        ("Seed", record.seed.to_string()),
        (
            "Revision",
            host.revision
                .clone()
                .unwrap_or_else(|| "unknown".to_owned()),
        ),
        ("Processor", host.cpu.clone()),
        ("Cores", cores(host.cores, host.threads)),
        ("Memory", units::bytes(host.ram_bytes)),
        ("System", host.os.clone()),
        ("Data", data.name.clone()),
        ("Rounds", data.sampling.clone()),
        (
            "Rows",
            format!(
                "{} of {} features: {} for training, {} for calibration, {} for testing",
                units::count(data.rows),
                units::count(data.features),
                units::count(data.train_rows),
                units::count(data.calibration_rows),
                units::count(data.test_rows)
            ),
        ),
        ("Feature manifest", data.feature_hash.clone()),
        ("Proof parameters", record.srs.kind.clone()),
    ];
    let mut out = String::from("<dl class=\"facts\">\n");
    for (name, value) in facts {
        let _ = writeln!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", Text(&value));
    }
    out.push_str("</dl>\n");
    packages(&mut out, record);
    files(&mut out, record);
    if !record.models.is_empty() {
        out.push_str("<h3>Settings of every model</h3>\n<div class=\"folds\">\n");
        for (index, model) in record.models.iter().enumerate() {
            settings(&mut out, index, model);
        }
        out.push_str("</div>\n");
    }
    out
}

fn packages(out: &mut String, record: &RunRecord) {
    if record.host.packages.is_empty() {
        return;
    }
    let mut grid = Grid::new([Heading::left("Package", ""), Heading::left("Version", "")]);
    let packages = record.host.packages.iter();
    grid.rows = packages
        .map(|(name, version)| vec![name.clone(), version.clone()])
        .collect();
    let table = tables::plain(&grid, "Packages", true);
    let _ = writeln!(
        out,
        "<details><summary>Packages that decide about results and times ({})</summary>{table}</details>",
        grid.rows.len()
    );
}

fn files(out: &mut String, record: &RunRecord) {
    if record.data.files.is_empty() {
        return;
    }
    let mut grid = Grid::new([
        Heading::left("File", ""),
        Heading::right("Size", ""),
        Heading::left("SHA-256", ""),
    ]);
    let files = record.data.files.iter();
    grid.rows = files
        .map(|file| {
            vec![
                file.name.clone(),
                units::bytes(file.bytes),
                file.sha256.clone(),
            ]
        })
        .collect();
    let table = tables::plain(&grid, "Files of the data", true);
    let _ = writeln!(
        out,
        "<details><summary>Files of the data and their hashes ({})</summary>{table}</details>",
        grid.rows.len()
    );
}

/// One model's training and the settings of all its provers, folded.
fn settings(out: &mut String, index: usize, model: &ModelRecord) {
    let _ = write!(
        out,
        "<details data-m=\"{index}\"><summary>{}{}</summary><dl class=\"facts\">\
         <div><dt>ONNX file, SHA-256</dt><dd>{}</dd></div>\
         <div><dt>Activation</dt><dd>{}</dd></div>\
         <div><dt>Training seed</dt><dd>{}</dd></div></dl>",
        tables::marker(model),
        Text(&model.tag),
        Text(&model.onnx_sha256),
        // Without two layers there is nothing between them.
        Text(match model.hidden.is_empty() {
            true => "none",
            false => &model.activation,
        }),
        model.training.seed
    );
    json(out, "Training", &model.training.params);
    for proving in std::iter::once(&model.proving).chain(&model.peers) {
        settings_of(out, proving);
    }
    out.push_str("</details>\n");
}

fn settings_of(out: &mut String, proving: &Proving) {
    let rows: Vec<String> = proving.proved_rows.iter().map(usize::to_string).collect();
    let _ = write!(
        out,
        "<h4>{} {}</h4><p class=\"note\">Proved test rows: {}</p>",
        Text(&proving.prover),
        Text(&proving.version),
        match rows.is_empty() {
            true => "none".to_owned(),
            false => shortened(&rows.join(", ")),
        }
    );
    if !proving.settings.is_null() {
        json(out, "Settings", &proving.settings);
    }
}

fn json(out: &mut String, name: &str, value: &serde_json::Value) {
    let pretty = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
    // A setting per line, short lists on one.
    let pretty = if pretty.len() > 1500 {
        value.to_string()
    } else {
        pretty
    };
    let _ = write!(
        out,
        "<h4>{name}</h4><pre>{}</pre>",
        Text(&shortened(&pretty))
    );
}

/// The command with its button.
pub(super) fn repeat(record: &RunRecord) -> String {
    let at = match &record.host.revision {
        Some(revision) => format!(" at revision <code>{}</code>", Text(revision)),
        None => String::new(),
    };
    format!(
        "<p>In a checkout of zkassay{at}:</p>\n\
         <p class=\"command\"><code id=\"repeat-command\">{}</code>\
         <button type=\"button\" class=\"copy needs-js\" data-copy=\"repeat-command\">Copy</button></p>\n\
         <p class=\"note\">The same seed gives the same models, circuits and proved rows; times depend on \
         the machine. Beside this page lie <code>record.json</code> with everything that was measured, \
         <code>models.csv</code> and <code>samples.csv</code> with every timed sample, and the plots as \
         SVG and PNG.</p>\n",
        Text(&record.command)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::run_record;

    #[test]
    fn the_audit_is_a_sentence_with_intervals_on_an_axis() {
        let html = audit(&run_record().audit.unwrap());
        assert!(
            html.starts_with("<p class=\"verdict\">No sign of a leak.</p>"),
            "{html}"
        );
        assert!(html.contains("<td>51.0 % [49.0, 53.0]</td>"), "{html}");
        assert!(!html.contains('±'));
        let (_, ticks) = html.split_once("class=\"ticks\"").unwrap();
        assert!(ticks.contains(" %</text>"), "{ticks}");
    }

    #[test]
    fn one_layer_has_no_activation() {
        let html = setting(&run_record());
        assert_eq!(html.matches("<dd>none</dd>").count(), 1);
        assert_eq!(html.matches("<dd>relu</dd>").count(), 1);
    }

    #[test]
    fn cores_and_threads_are_named_once_where_equal() {
        assert_eq!(cores(2, 2), "2, all used");
        assert_eq!(cores(1, 1), "1, all used");
        assert_eq!(cores(4, 1), "4, the run had 1 thread");
        assert_eq!(cores(8, 6), "8, the run had 6 threads");
    }
}
