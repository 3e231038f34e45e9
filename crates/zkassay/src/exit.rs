//! The exit code of an error, as `zkassay --help` lists them.

use std::process::ExitCode;

use zkassay::Error;
use zkassay::srs::GetError;
use zkassay_data::FetchError;

use crate::commands::choose::NoModel;

/// The code for scripts.
pub(crate) fn code(error: &anyhow::Error) -> ExitCode {
    if error.is::<NoModel>() {
        return ExitCode::from(7);
    }
    if let Some(error) = error.downcast_ref::<FetchError>() {
        return match error {
            FetchError::NotCached { .. } | FetchError::MissingLocal { .. } => ExitCode::from(3),
            error if error.is_network() => ExitCode::from(4),
            _ => ExitCode::FAILURE,
        };
    }
    let parameters = match error.downcast_ref::<Error>() {
        Some(Error::Parameters(error)) => Some(error),
        _ => error.downcast_ref::<GetError>(),
    };
    if let Some(error) = parameters {
        return match error {
            error if error.is_missing() => ExitCode::from(3),
            error if error.is_network() => ExitCode::from(4),
            _ => ExitCode::FAILURE,
        };
    }
    match error.downcast_ref::<Error>() {
        Some(Error::NoParameters { .. }) => ExitCode::from(3),
        Some(error) if error.is_rejection() => ExitCode::from(5),
        Some(error) if error.is_mismatch() => ExitCode::from(6),
        _ => ExitCode::FAILURE,
    }
}
