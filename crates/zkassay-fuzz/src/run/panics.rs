//! Panics caught, and kept quiet.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Whether this thread runs a case.
    static QUIET: Cell<bool> = const { Cell::new(false) };
    /// What the last panic of a case said.
    static MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// What `run` returns, or what it said when it panicked, and where.
pub(super) fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| match QUIET.get() {
            true => MESSAGE.set(panic.to_string().replace('\n', " ")),
            false => usual(panic),
        }));
    });
    QUIET.set(true);
    // Targets are only read, and what a case made is dropped.
    let outcome = panic::catch_unwind(AssertUnwindSafe(run));
    QUIET.set(false);
    outcome.map_err(|_| MESSAGE.take())
}
