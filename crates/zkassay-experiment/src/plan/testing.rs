//! Flags as a user types them, for tests.

use anyhow::Result;
use clap::Parser;

use super::Plan;
use super::flags::Flags;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    flags: Flags,
}

/// The flags of a command line.
pub(super) fn flags(arguments: &[&str]) -> Result<Flags> {
    let line = ["experiment"].iter().chain(arguments);
    Ok(Line::try_parse_from(line)?.flags)
}

/// The plan of a command line.
pub(super) fn parse(arguments: &[&str]) -> Result<Plan> {
    flags(arguments)?.plan()
}

/// The words of a command line, as a shell reads it; quotes are single ones.
pub(super) fn split(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let word = words.last_mut().unwrap();
        match character {
            '\'' => is_quoted = !is_quoted,
            '\\' if !is_quoted => word.extend(characters.next()),
            ' ' if !is_quoted => words.push(String::new()),
            character => word.push(character),
        }
    }
    words
}
