//! Run records as tables, plots and Markdown.
//!
//! The last stage of the story: the experiment fills a [`RunRecord`], and
//! [`write()`] turns it into a folder that can be read, plotted again and
//! compared. Nothing here measures anything, and nothing here depends on
//! another stage.
//!
//! | module | in -> out |
//! |---|---|
//! | [`record`] | measurements -> `record.json` and back |
//! | [`table`] | record -> one line per model, as text or Markdown |
//! | [`csv`] | record -> `models.csv`, `samples.csv` |
//! | [`plots`] | record -> accuracy and cost against parameters, SVG and PNG |
//! | [`markdown`] | record -> `report.md` |

pub mod csv;
mod error;
pub mod markdown;
mod output;
pub mod plots;
pub mod record;
mod samples;
pub mod table;
#[cfg(test)]
mod testing;
mod units;

pub use error::ReportError;
pub use output::write;
pub use record::{
    Accuracy, CircuitShape, DataRecord, Family, Fidelity, FileRecord, Host, ModelRecord,
    Proportion, RECORD_VERSION, RunRecord, Sizes, SrsRecord, Stage, Timings, Training,
};
pub use samples::Samples;
