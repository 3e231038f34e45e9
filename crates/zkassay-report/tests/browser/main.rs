//! The report's page in a real browser: it renders without complaints, reacts, and fits phones and
//! paper. Without Chromium these tests say that they are skipped; `cargo xtask browser` installs it.
//!
//! What the browser showed is in cargo's target folder, `report/*.png`.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod devtools;
#[path = "../../src/html/sample.rs"]
mod sample;
#[path = "../../src/testing.rs"]
mod testing;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

// The made-up records are shared with the crate's own tests, and name its modules as these do.
use devtools::Browser;
use zkassay_report::{RunRecord, html, record};

/// A browser, and the folder for pages and pictures.
struct Stand {
    browser: Browser,
    folder: PathBuf,
}

impl Stand {
    fn new() -> Option<Self> {
        let Some(browser) = Browser::start() else {
            eprintln!("skipped: there is no Chromium; `cargo xtask browser` says what to do");
            return None;
        };
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("report");
        fs::create_dir_all(&folder).unwrap();
        Some(Self { browser, folder })
    }

    /// Opens the page of a record.
    fn open(&mut self, name: &str, record: &RunRecord) {
        let path = self.folder.join(format!("{name}.html"));
        fs::write(&path, html::page(record)).unwrap();
        self.browser.open(&path);
    }

    fn picture(&mut self, name: &str, is_whole: bool) {
        // Until everything that changes slowly is as it will be; scripts may be off.
        thread::sleep(Duration::from_millis(300));
        let path = self.folder.join(format!("{name}.png"));
        self.browser.screenshot(&path, is_whole);
        let picture = fs::read(&path).unwrap();
        assert!(
            picture.starts_with(b"\x89PNG") && picture.len() > 10_000,
            "{name}"
        );
    }

    fn number(&mut self, expression: &str) -> f64 {
        self.browser.value(expression).as_f64().unwrap()
    }

    fn text(&mut self, expression: &str) -> String {
        self.browser.value(expression).as_str().unwrap().to_owned()
    }

    /// The middle of what a selector finds first, in view.
    fn place(&mut self, selector: &str) -> (f64, f64) {
        // Two frames later, what listens to scrolling has heard of it.
        let found = format!(
            "(async () => {{ const e = document.querySelector({selector:?}); \
             e.scrollIntoView({{ block: 'center', behavior: 'instant' }}); \
             for (const _ of [1, 2]) await new Promise(requestAnimationFrame); \
             const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; }})()"
        );
        let place = self.browser.value(&found);
        (place[0].as_f64().unwrap(), place[1].as_f64().unwrap())
    }

    fn assert_calm(&mut self) {
        let complaints = self.browser.complaints();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

/// Whether nothing of the page is wider than the window.
const FITS: &str = "document.documentElement.scrollWidth <= window.innerWidth";

#[test]
fn the_page_renders_and_reacts() {
    let Some(mut stand) = Stand::new() else {
        return;
    };
    stand.browser.resize(1280, 900, false);
    stand.open("large", &sample::large());
    stand.assert_calm();
    assert!(stand.browser.is(FITS));
    assert!(
        stand
            .browser
            .is("document.querySelectorAll('.at-prove svg.wide .pt').length === 50")
    );
    stand.picture("top", false);
    stand.picture("desktop", true);

    hovering(&mut stand);
    keyboard(&mut stand);
    budget(&mut stand);
    sorting(&mut stand);
    switches(&mut stand);
    stand.assert_calm();
}

/// A point under the mouse shows its figures, and the model is marked in every plot.
fn hovering(stand: &mut Stand) {
    assert!(stand.browser.is("document.getElementById('tip').hidden"));
    let (x, y) = stand.place(".at-prove svg.wide .pt[data-m='9'] use");
    stand.browser.hover(x, y);
    assert!(!stand.browser.is("document.getElementById('tip').hidden"));
    let model = stand.text("document.querySelector('.at-prove svg.wide .pt.hot').dataset.m");
    let tip = stand.text("document.getElementById('tip').innerText");
    for label in ["Parameters", "Quantised accuracy", "Prove", "Memory"] {
        assert!(tip.contains(label), "{tip}");
    }
    let marked = format!(
        "[...document.querySelectorAll('svg.chart')].filter(svg => svg.querySelector('.pt'))\
         .every(svg => svg.querySelector('.pt.hot[data-m=\"{model}\"]'))"
    );
    assert!(stand.browser.is(&marked));
    assert!(stand.browser.is(
        "(() => { const b = document.getElementById('tip').getBoundingClientRect(); \
         return b.left >= 0 && b.top >= 0 && b.right <= innerWidth && b.bottom <= innerHeight; })()"
    ));
    stand.picture("hover", false);
    // A peer's point has the peer's figures.
    let (x, y) = stand.place("[data-panel=prove] .at-log .pt.peer use");
    stand.browser.hover(x, y);
    assert!(
        stand
            .text("document.getElementById('tip').innerText")
            .contains("x CPU")
    );
    stand.browser.hover(2.0, 2.0);
    assert!(stand.browser.is("document.getElementById('tip').hidden"));
    assert!(stand.browser.is("!document.querySelector('.hot')"));
}

/// A plot is one stop of the tab key; arrows go from point to point.
fn keyboard(stand: &mut Stand) {
    stand
        .browser
        .value("document.querySelector('.at-prove svg.wide .pt[tabindex=\"0\"]').focus()");
    stand.browser.press("ArrowRight");
    assert!(!stand.browser.is("document.getElementById('tip').hidden"));
    let first = stand.text("document.activeElement.getAttribute('aria-label')");
    stand.browser.press("ArrowRight");
    let second = stand.text("document.activeElement.getAttribute('aria-label')");
    assert_ne!(first, second);
    assert!(
        stand
            .browser
            .is("document.querySelectorAll('.at-prove svg.wide .pt[tabindex=\"0\"]').length === 1")
    );
    stand.browser.press("Escape");
    assert!(stand.browser.is("document.getElementById('tip').hidden"));
    stand.browser.value("document.activeElement.blur()");
}

/// The form's sliders choose another model, and the frontier follows.
fn budget(stand: &mut Stand) {
    let set = |id: &str, value: &str| {
        format!(
            "(() => {{ const s = document.getElementById({id:?}); s.value = {value}; \
             s.dispatchEvent(new Event('input')); }})()"
        )
    };
    let picked = "document.getElementById('picked-tag').textContent";
    let steps = "document.querySelector('.at-prove svg.wide .steps').getAttribute('d')";
    let (best, all) = (stand.text(picked), stand.text(steps));
    stand
        .browser
        .value(&set("max-prove", "Math.floor(s.max / 5)"));
    let cheaper = stand.text(picked);
    assert_ne!(best, cheaper);
    assert_ne!(all, stand.text(steps));
    assert!(
        stand
            .browser
            .is("document.querySelector('.at-prove .pt.out') !== null")
    );
    let command = stand.text("document.getElementById('picked-command').textContent");
    assert!(
        command.starts_with("zkassay choose . --") && command.contains("--max-prove "),
        "{command}"
    );
    // As accurate as the best, in the least time: nothing.
    stand.browser.value(&set("max-prove", "0"));
    stand.browser.value(&set("min-accuracy", "s.max"));
    assert!(
        stand
            .text("document.getElementById('picked-count').textContent")
            .contains("No model")
    );
    // What is nearest, by how much it misses, and what would let one in.
    assert!(!stand.text(picked).is_empty());
    let hints = stand.text("document.getElementById('picked-hints').textContent");
    assert!(
        hints.contains(" instead of ") && hints.contains(" would let "),
        "{hints}"
    );
    stand.picture("nothing", false);
    stand.browser.value(&set("min-accuracy", "0"));
    stand.browser.value(&set("max-prove", "s.max"));
    assert_eq!(stand.text(picked), best);
    assert!(
        stand
            .browser
            .is("document.getElementById('picked-hints').childElementCount === 0")
    );
    assert_eq!(stand.text(steps), all);
    assert!(stand.browser.is("!document.querySelector('.pt.out')"));
}

/// A heading sorts numbers by size, whatever their units.
fn sorting(stand: &mut Stand) {
    stand.browser.value(
        "[...document.querySelectorAll('#models th button')].find(b => b.textContent === 'Prove').click()",
    );
    let cell = |row: &str| {
        format!(
            "document.querySelector('#models tbody {row}').cells[[...document.querySelectorAll('#models \
             thead th')].findIndex(h => h.textContent === 'Prove')].textContent"
        )
    };
    let (first, last) = (&cell("tr"), &cell("tr:last-child"));
    let (greatest, least) = (stand.text(first), stand.text(last));
    stand
        .browser
        .value("document.querySelector('#models th[aria-sort] button').click()");
    assert_eq!((stand.text(first), stand.text(last)), (least, greatest));
}

/// Axes and scales change by a click.
fn switches(stand: &mut Stand) {
    let height = |selector: &str| {
        format!("document.querySelector({selector:?}).getBoundingClientRect().height")
    };
    assert_eq!(stand.number(&height(".at-memory")), 0.0);
    stand
        .browser
        .value("document.getElementById('cost-memory').click()");
    assert!(stand.number(&height(".at-memory")) > 200.0);
    assert_eq!(stand.number(&height(".at-prove")), 0.0);
    stand
        .browser
        .value("document.getElementById('scale-linear').click()");
    assert!(stand.number(&height("[data-panel=setup] .at-linear")) > 100.0);
    assert_eq!(stand.number(&height("[data-panel=setup] .at-log")), 0.0);
}

#[test]
fn light_and_dark_follow_the_system_and_the_switch() {
    let Some(mut stand) = Stand::new() else {
        return;
    };
    stand.browser.resize(1280, 900, false);
    stand.browser.prefer("prefers-color-scheme", "light");
    stand.open("dark", &sample::large());
    // The sum of the channels.
    let ground = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3)\
                  .reduce((sum, part) => sum + Number(part), 0)";
    assert!(stand.number(ground) > 600.0);
    stand
        .browser
        .value("document.getElementById('theme-dark').click()");
    assert!(stand.number(ground) < 150.0);
    stand
        .browser
        .value("document.getElementById('theme-auto').click()");
    assert!(stand.number(ground) > 600.0);
    stand.browser.prefer("prefers-color-scheme", "dark");
    assert!(stand.number(ground) < 150.0);
    stand.picture("dark", true);
    stand
        .browser
        .value("document.getElementById('theme-light').click()");
    assert!(stand.number(ground) > 600.0);
    // The choice is kept.
    stand.open("dark", &sample::large());
    assert!(
        stand
            .browser
            .is("document.getElementById('theme-light').checked")
    );
    assert!(stand.number(ground) > 600.0);
    stand.assert_calm();
}

#[test]
fn phones_paper_and_browsers_without_scripts_show_everything() {
    let Some(mut stand) = Stand::new() else {
        return;
    };
    stand.browser.resize(360, 740, true);
    stand.open("phone", &sample::large());
    assert!(stand.browser.is(FITS), "nothing is wider than a phone");
    assert!(
        stand
            .browser
            .is("document.querySelector('svg.narrow').getBoundingClientRect().width > 280")
    );
    // A wide table's first column stays where it is.
    assert!(stand.browser.is(
        "(() => { const box = document.querySelector('#models .scroll'); box.scrollLeft = 300; \
         const left = box.getBoundingClientRect().left; \
         const cells = box.querySelectorAll('thead th:first-child, tbody tr:first-child th'); \
         const stay = [...cells].every(c => Math.abs(c.getBoundingClientRect().left - left) < 3); \
         const isScrolled = box.scrollLeft > 250; box.scrollLeft = 0; \
         return cells.length === 2 && stay && isScrolled; })()"
    ));
    stand.picture("phone", true);
    stand.assert_calm();

    stand.browser.resize(1280, 900, false);
    let before = stand.browser.print();
    assert!(before.starts_with(b"%PDF"));
    fs::write(stand.folder.join("print.pdf"), &before).unwrap();

    let disabled = serde_json::json!({ "value": true });
    stand
        .browser
        .call("Emulation.setScriptExecutionDisabled", disabled);
    stand.open("plain", &sample::large());
    assert!(
        stand
            .browser
            .is("!document.documentElement.classList.contains('js')")
    );
    assert!(
        stand.browser.is(
            "document.querySelector('.at-prove svg.wide .pt title').textContent.includes(' ms')"
        )
    );
    assert!(
        stand
            .browser
            .is("document.getElementById('budget').getBoundingClientRect().height === 0")
    );
    assert!(stand.browser.is(FITS));
    stand.picture("plain", false);
    // Unfolded on paper, even without scripts.
    stand.browser.call(
        "Emulation.setEmulatedMedia",
        serde_json::json!({ "media": "print" }),
    );
    assert!(
        stand.number(
            "document.querySelector('#setting details pre').getBoundingClientRect().height"
        ) > 5.0
    );
    stand.assert_calm();
}

/// Were the other tests deaf, they would find nothing.
#[test]
fn a_page_that_misbehaves_is_heard() {
    let Some(mut stand) = Stand::new() else {
        return;
    };
    let policy = "<meta http-equiv='Content-Security-Policy' content=\"script-src 'none'\">";
    for (page, expected) in [
        (
            "<script>console.error('seen')</script>".to_owned(),
            "consoleAPICalled",
        ),
        (
            "<script>no.such.thing()</script>".to_owned(),
            "exceptionThrown",
        ),
        (
            "<img src='http://127.0.0.1:9/x.png'>".to_owned(),
            "requestWillBeSent",
        ),
        (format!("{policy}<script>1</script>"), "entryAdded"),
    ] {
        let path = stand.folder.join("misbehaving.html");
        fs::write(&path, page).unwrap();
        stand.browser.open(&path);
        let complaints = stand.browser.complaints();
        assert!(
            complaints.iter().any(|of| of.contains(expected)),
            "{expected}: {complaints:?}"
        );
    }
    fs::remove_file(stand.folder.join("misbehaving.html")).unwrap();
}

#[test]
fn strange_records_are_calm_too() {
    let Some(mut stand) = Stand::new() else {
        return;
    };
    stand.browser.resize(1280, 900, false);
    stand.open("hostile", &sample::hostile());
    assert!(
        stand
            .text("document.title")
            .starts_with("zkassay: </script>")
    );
    assert!(
        stand
            .browser
            .is("document.querySelectorAll('img').length === 0")
    );
    assert!(stand.browser.is(FITS));
    let (x, y) = stand.place(".at-prove svg.wide .pt use");
    stand.browser.hover(x, y);
    assert!(
        stand
            .browser
            .is("document.querySelector('#tip strong').textContent.startsWith('</script>')")
    );
    assert!(
        stand
            .browser
            .is("document.querySelectorAll('#tip img, #tip script').length === 0")
    );
    stand.assert_calm();
    stand.browser.resize(360, 740, true);
    assert!(stand.browser.is(FITS));

    stand.browser.resize(1280, 900, false);
    let mut record = testing::run_record();
    stand.open("two", &record);
    stand.picture("two", true);
    stand.assert_calm();
    record.models.truncate(1);
    stand.open("one", &record);
    stand.assert_calm();
    record.models.clear();
    record.audit = None;
    stand.open("none", &record);
    stand.picture("none", true);
    assert!(stand.browser.is(FITS));
    stand.assert_calm();
}
