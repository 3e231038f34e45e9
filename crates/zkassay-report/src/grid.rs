//! Tables of text: aligned for a terminal, or as Markdown.

use std::fmt::Write as _;

/// Longest cell of a plain table in characters; what is longer ends in `…`.
const CELL: usize = 160;

/// A column's heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// What stands above the column.
    pub name: String,
    /// What a reader is told it means; empty where the name says it.
    pub meaning: &'static str,
    /// Words stand to the left, numbers to the right.
    pub is_left: bool,
}

impl Heading {
    /// A column of numbers.
    pub fn right(name: impl Into<String>, meaning: &'static str) -> Self {
        Self {
            name: name.into(),
            meaning,
            is_left: false,
        }
    }

    /// A column of words.
    pub fn left(name: impl Into<String>, meaning: &'static str) -> Self {
        Self {
            is_left: true,
            ..Self::right(name, meaning)
        }
    }
}

/// A table: headings, and rows with a cell below each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grid {
    /// The columns from left to right.
    pub headings: Vec<Heading>,
    /// The rows; a missing cell is empty.
    pub rows: Vec<Vec<String>>,
}

impl Grid {
    /// A table without rows.
    pub fn new(headings: impl IntoIterator<Item = Heading>) -> Self {
        Self {
            headings: headings.into_iter().collect(),
            rows: Vec::new(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Aligned plain text: a line per row below a ruler, ending in a newline.
    ///
    /// Control characters become spaces, very long cells are cut.
    pub fn text(&self) -> String {
        let headings = self.headings.iter().map(|heading| plain(&heading.name));
        let mut lines = vec![headings.collect::<Vec<String>>()];
        lines.extend(self.rows.iter().map(|row| {
            let cells = row.iter().map(|cell| plain(cell));
            cells.collect()
        }));
        let widths: Vec<usize> = (0..self.headings.len())
            .map(|column| {
                let cells = lines.iter().filter_map(|cells| cells.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let mut out = String::new();
        for (index, cells) in lines.iter().enumerate() {
            if index == 1 {
                let total = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
                let _ = writeln!(out, "{}", "─".repeat(total));
            }
            let mut line = String::new();
            let columns = self.headings.iter().zip(&widths).zip(cells).enumerate();
            for (column, ((heading, width), cell)) in columns {
                let gap = if column == 0 { "" } else { "  " };
                let _ = match heading.is_left {
                    true => write!(line, "{gap}{cell:<width$}"),
                    false => write!(line, "{gap}{cell:>width$}"),
                };
            }
            let _ = writeln!(out, "{}", line.trim_end());
        }
        out
    }

    /// A pipe table as GitHub has them, ending in a newline.
    pub fn markdown(&self) -> String {
        let names = self.headings.iter().map(|heading| escape(&heading.name));
        let mut out = format!("| {} |\n|", names.collect::<Vec<_>>().join(" | "));
        for heading in &self.headings {
            out.push_str(if heading.is_left { ":---|" } else { "---:|" });
        }
        out.push('\n');
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(|cell| escape(cell)).collect();
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        }
        out
    }
}

/// Text without control characters, and not too long for a cell.
fn plain(text: &str) -> String {
    shortened(&visible(text), CELL)
}

/// Text without control characters, which a terminal might obey.
pub(crate) fn visible(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect()
}

/// Text of at most `length` characters; what is longer ends in `…`.
pub(crate) fn shortened(text: &str, length: usize) -> String {
    if text.chars().nth(length).is_none() {
        return text.to_owned();
    }
    let kept = text.chars().take(length.saturating_sub(1));
    kept.chain(['…']).collect()
}

/// Text that is only text in Markdown, and stays within its cell.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '|' | '<' | '\\' | '`' => escaped.extend(['\\', character]),
            control if control.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Text as code in Markdown, within its cell; a backtick would end it and becomes `'`.
pub(crate) fn code(text: &str) -> String {
    let mut code = String::with_capacity(text.len() + 2);
    code.push('`');
    for character in text.chars() {
        match character {
            '|' => code.push_str(r"\|"),
            '`' => code.push('\''),
            control if control.is_control() => code.push(' '),
            other => code.push(other),
        }
    }
    code.push('`');
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let mut grid = Grid::new([Heading::left("Model", ""), Heading::right("k", "")]);
        grid.rows = vec![
            vec!["logistic".into(), "8".into()],
            vec!["µ".into(), "10".into()],
        ];
        grid
    }

    #[test]
    fn text_is_aligned_by_characters() {
        let expected = "\
Model      k
────────────
logistic   8
µ         10
";
        assert_eq!(grid().text(), expected);
    }

    #[test]
    fn markdown_aligns_as_the_headings_say() {
        let expected = "| Model | k |\n|:---|---:|\n| logistic | 8 |\n| µ | 10 |\n";
        assert_eq!(grid().markdown(), expected);
    }

    #[test]
    fn nothing_in_a_cell_leaves_it() {
        let mut grid = grid();
        grid.rows = vec![vec!["a|b\n<i>\\`".into(), "\u{1b}[31m".into()]];
        assert!(grid.markdown().contains(r"| a\|b \<i>\\\` |  [31m |"));
        assert_eq!(grid.text().lines().count(), 3);
        assert!(!grid.text().contains('\u{1b}'));
        assert_eq!(code("a`b|c\n"), r"`a'b\|c `");
    }

    #[test]
    fn a_long_cell_is_cut_in_text_only() {
        let mut grid = grid();
        grid.rows = vec![vec!["x".repeat(500), String::new()]];
        let text = grid.text();
        let line = text.lines().last().unwrap();
        assert_eq!(line.chars().count(), CELL);
        assert!(line.ends_with('…'));
        assert!(grid.markdown().contains(&"x".repeat(500)));
    }

    #[test]
    fn a_row_with_too_few_or_too_many_cells_is_no_error() {
        let mut grid = grid();
        grid.rows = vec![vec![], vec!["a".into(), "b".into(), "c".into()]];
        assert_eq!(grid.text().lines().count(), 4);
        assert!(!grid.text().contains('c'));
    }
}
