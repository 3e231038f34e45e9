//! Tests of the whole page, as text; a browser looks at it in `tests/browser`.

use super::sample::{MARKUP, hostile, large};
use super::{SCRIPT, STYLE, page};
use crate::record::{ModelRecord, Proving, Rate, RunRecord};
use crate::testing::{family, run_record};

/// The contents of every `<svg class="chart ...">` is well-formed, and what it uses is there.
fn check_plots(page: &str) -> usize {
    let mut count = 0;
    for part in page.split("<svg class=\"chart").skip(1) {
        let (svg, _) = part.split_once("</svg>").unwrap();
        let document = format!("<svg class=\"chart{svg}</svg>");
        let document = roxmltree::Document::parse(&document).unwrap();
        for node in document
            .descendants()
            .filter(|node| node.has_tag_name("use"))
        {
            let id = node.attribute("href").unwrap().trim_start_matches('#');
            assert!(page.contains(&format!("<path id=\"{id}\"")), "{id}");
        }
        count += 1;
    }
    count
}

#[test]
fn a_page_names_nothing_outside_itself() {
    let page = page(&large());
    for forbidden in [
        "http:",
        "https:",
        "<link rel=\"stylesheet",
        "src=\"",
        "@import",
        "url(",
    ] {
        // The namespace of the icon's SVG is a name, not an address.
        let page = page.replace("xmlns='http://www.w3.org/2000/svg'", "");
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(page.contains("default-src 'none'; style-src 'sha256-"));
    assert!(!page.contains(" style=\""), "the policy would forbid it");
    assert!(!page.contains(" onclick"), "the policy would forbid it");
}

#[test]
fn a_page_of_sixty_models_is_below_a_megabyte() {
    let mut record = large();
    while record.models.len() < 60 {
        let mut model = record.models[record.models.len() % 7].clone();
        model.tag = format!("more-{}", record.models.len());
        record.models.push(model);
    }
    assert!(record.to_json().unwrap().len() > 1_000_000);
    let page = page(&record);
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    // Wide and narrow: the frontiers, accuracy, three costs on two scales, logrows, the diagonal.
    assert_eq!(check_plots(&page), 2 * (7 + 1 + 3 * 2 + 1 + 1));
}

#[test]
fn markup_of_a_record_stays_text() {
    let page = page(&hostile());
    assert!(!page.contains("<img"));
    assert!(!page.contains("document.title='broken'</script>"));
    // The data and the script, which are ours.
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script").count(), 2);
    assert!(page.contains("&lt;/script&gt;&lt;script&gt;document.title=&#39;broken"));
    check_plots(&page);
    let (_, data) = page.split_once("id=\"data\">").unwrap();
    let (data, _) = data.split_once("</script>").unwrap();
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["models"][0]["tag"], MARKUP);
}

#[test]
fn all_sections_of_a_full_record_are_linked() {
    let page = page(&run_record());
    for id in [
        "choose",
        "figures",
        "models",
        "quantisation",
        "stages",
        "peers",
        "audit",
        "failures",
    ] {
        assert!(page.contains(&format!("<a href=\"#{id}\">")), "{id}");
        assert_eq!(page.matches(&format!("<section id=\"{id}\">")).count(), 1);
    }
    assert!(page.contains("could forge"));
    assert!(page.contains("Beside the study"));
    assert!(page.contains("took longer than 60 s"));
    assert!(page.contains("No sign of a leak."));
    for hash in ["ab", "cd", "ef"] {
        assert!(page.contains(&hash.repeat(32)), "every hash is there");
    }
    assert!(page.contains("cargo xtask experiment --profile quick --models logistic,64-32"));
}

#[test]
fn notes_of_the_run_stand_before_its_results() {
    let mut record = run_record();
    record.warnings = vec!["The tables are synthetic & small.".into()];
    let page = page(&record);
    let (top, _) = page.split_once("class=\"cards\"").unwrap();
    assert!(top.contains("<strong>Warning.</strong> The tables are synthetic &amp; small."));
}

#[test]
fn ids_are_unique() {
    let page = page(&large());
    let (page, _) = page.split_once("<script").unwrap();
    let mut ids: Vec<&str> = page
        .split(" id=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

#[test]
fn records_with_little_in_them_have_a_page() {
    let mut none = run_record();
    none.models.clear();
    none.failures.clear();
    none.audit = None;
    let text = page(&none);
    assert!(text.contains("nothing to choose from"));
    assert!(!text.contains("href=\"#audit\""));
    assert!(text.contains("None: every model"));

    let mut one = run_record();
    one.models.truncate(1);
    check_plots(&page(&one));

    let mut bare = run_record();
    bare.models[0].accuracy.quantized = None;
    bare.models[0].proving = Proving::default();
    bare.models[1].proving = Proving::default();
    bare.models[1].parameters = 0;
    check_plots(&page(&bare));
}

#[test]
fn no_numbers_of_a_record_stop_the_page() {
    for strange in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e308, -1e308, 1e-308] {
        let mut record: RunRecord = family();
        record.seconds = strange;
        let rate = Rate {
            value: strange,
            low: -strange,
            high: strange,
            standard_error: Some(strange),
            rounds: vec![],
        };
        for model in &mut record.models {
            ruin(model, &rate, strange);
        }
        if let Some(audit) = &mut record.audit {
            audit.delayed.mean = strange;
            audit.as_given.standard_error = strange;
        }
        check_plots(&page(&record));
    }
}

fn ruin(model: &mut ModelRecord, rate: &Rate, strange: f64) {
    model.accuracy.quantized = Some(rate.clone());
    model.accuracy.majority = rate.clone();
    model.parameters = if strange > 1.0 { usize::MAX } else { 0 };
    model.training.seconds = strange;
    for stage in crate::Stage::ALL {
        model.proving.timings.push(stage, strange);
        model.proving.timings.push(stage, -strange);
    }
    model.proving.sizes.proof_bytes = Some(u64::MAX);
}

/// Relative luminance of `#rrggbb` (WCAG 2).
fn luminance(color: &str) -> f64 {
    let channel = |from: usize| {
        let value = u8::from_str_radix(&color[from..from + 2], 16).unwrap();
        let share = f64::from(value) / 255.0;
        match share <= 0.04045 {
            true => share / 12.92,
            false => ((share + 0.055) / 1.055).powf(2.4),
        }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

#[test]
fn colours_have_enough_contrast_in_both_schemes() {
    let color = |name: &str, scheme: usize| {
        let (_, rest) = STYLE.split_once(&format!("--{name}: light-dark(")).unwrap();
        let (pair, _) = rest.split_once(')').unwrap();
        luminance(pair.split(", ").nth(scheme).unwrap())
    };
    let contrast = |a: f64, b: f64| (a.max(b) + 0.05) / (a.min(b) + 0.05);
    for scheme in [0, 1] {
        for ground in ["bg", "card", "sunk"] {
            for text in ["ink", "muted", "accent"] {
                let found = contrast(color(text, scheme), color(ground, scheme));
                assert!(found >= 4.5, "{text} on {ground}: {found:.2}");
            }
        }
        assert!(contrast(color("warn", scheme), color("warn-bg", scheme)) >= 4.5);
        let groups = (0..7).map(|index| format!("g{index}"));
        let stages = crate::Stage::ALL.map(|stage| format!("s-{}", stage.name()));
        for mark in groups.chain(stages) {
            let found = contrast(color(&mark, scheme), color("card", scheme));
            assert!(found >= 3.0, "{mark}: {found:.2}");
        }
    }
}

#[test]
fn the_script_and_the_style_end_with_their_elements_only() {
    assert!(!SCRIPT.contains("</") && !SCRIPT.contains("<!--"));
    assert!(!STYLE.contains("</"));
}
