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
//! | [`table`] | record -> tables of models, peers and failures |
//! | [`grid`] | table -> text or Markdown |
//! | [`mod@choose`] | record, budget -> the best model within it, the frontier |
//! | [`mod@compare`] | two records -> what changed, with intervals |
//! | [`findings`] | record -> what it says about the study's conclusion |
//! | [`article`] | the study's published figures |
//! | [`speed`] | record -> how much longer the peers take |
//! | [`stats`] | the intervals of all that |
//! | [`units`] | numbers -> as people read them |
//! | [`csv`] | record -> `models.csv`, `samples.csv` |
//! | [`plots`] | record -> accuracy and cost against parameters, SVG and PNG |
//! | [`markdown`] | record -> `report.md` |
//! | [`html`] | record -> `report.html`, one page that needs nothing else |

pub mod article;
pub mod choose;
pub mod compare;
pub mod csv;
mod error;
pub mod findings;
pub mod grid;
pub mod html;
pub mod markdown;
mod output;
pub mod plots;
mod read;
pub mod record;
mod samples;
pub mod speed;
pub mod stats;
pub mod table;
#[cfg(test)]
mod testing;
pub mod units;

pub use choose::{Budget, Choice, choose};
pub use compare::{Comparison, compare};
pub use error::ReportError;
pub use grid::{Grid, Heading};
pub use output::{write, write_report};
pub use read::{newest, read};
pub use record::{
    Accuracy, AuditRecord, AuditScore, CircuitShape, DataRecord, Failure, Family, Fidelity,
    FileRecord, Host, Memory, ModelRecord, Proportion, Proving, RECORD_VERSION, Rate, RunRecord,
    Sizes, SrsRecord, Stage, Timings, Training,
};
pub use samples::Samples;
