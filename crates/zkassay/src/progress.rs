//! A progress bar on stderr for downloads; nothing where stderr is no terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use zkassay_data::fetch::Progress;

/// Bytes done of bytes to do.
pub(crate) struct Bar {
    bar: ProgressBar,
    name: String,
}

impl Bar {
    /// A bar that starts when the files are known.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            bar: ProgressBar::hidden(),
            name: name.to_owned(),
        }
    }

    /// As [`Self::new`], drawn on stderr.
    pub(crate) fn stderr(name: &str) -> Self {
        let bar = ProgressBar::new(0);
        let template = "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self {
            bar,
            ..Self::new(name)
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Prints a line above the bar, or alone where there is none.
    fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }
}

impl Progress for Bar {
    fn waiting(&self) {
        self.say(&format!(
            "waiting for another process that is fetching {}",
            self.name
        ));
    }

    fn begin(&self, files: usize, bytes: u64) {
        self.bar
            .set_message(format!("{} ({files} files)", self.name));
        self.bar.set_length(bytes);
    }

    fn advance(&self, bytes: i64) {
        match u64::try_from(bytes) {
            Ok(more) => self.bar.inc(more),
            Err(_) => self
                .bar
                .set_position(self.bar.position().saturating_sub(bytes.unsigned_abs())),
        }
    }

    fn retry(&self, url: &str, reason: &str, pause: Duration) {
        // Without the query, which is long and tells nothing.
        let url = url.split('?').next().unwrap_or(url);
        self.say(&format!(
            "{url}: {reason}; again in {:.1} s",
            pause.as_secs_f64()
        ));
    }
}

/// A turning sign on stderr while a stage is at work; removed when dropped.
pub(crate) struct Spinner(ProgressBar);

impl Spinner {
    /// A spinner with a message; none where stdout is JSON for a script.
    pub(crate) fn new(json: bool, message: &str) -> Self {
        if json {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(message.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Shows another message.
    pub(crate) fn say(&self, message: &str) {
        self.0.set_message(message.to_owned());
    }

    /// Runs `write` with the spinner out of the way.
    pub(crate) fn suspend(&self, write: impl FnOnce()) {
        self.0.suspend(write);
    }

    /// Removes the spinner.
    pub(crate) fn finish(self) {}
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
