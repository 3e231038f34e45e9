//! The names of the affine nodes that values come from.
//!
//! A long chain of additions is one value after the other, each of all nodes before it and one more.
//! So the names are shared: a value has its node's name and links to the names of what it reads, and
//! a list is made of them only for a step. What these lists take together is bounded.

use std::collections::HashSet;
use std::fmt;
use std::rc::Rc;

/// The names of some nodes, in the order in which the nodes are applied.
#[derive(Clone, Default)]
pub(crate) struct Names(Option<Rc<Part>>);

/// Names, and one behind them.
struct Part {
    before: Vec<Names>,
    name: Option<String>,
}

/// How many names the steps of a program may list together before all further lists are short.
const ROOM: usize = 1 << 18;
/// How many names a short list has, and the name of a step.
const FEW: usize = 32;

/// What is left of [`ROOM`], for the lists of one program.
#[derive(Debug)]
pub(crate) struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Self(ROOM)
    }
}

impl Names {
    /// One name.
    pub(crate) fn of(name: &str) -> Self {
        Self::joined(&[]).and(name)
    }

    /// These names, each once, the first ones first.
    pub(crate) fn joined(all: &[&Self]) -> Self {
        let mut before: Vec<Self> = Vec::new();
        for names in all.iter().filter(|names| !names.is_empty()) {
            if !before.iter().any(|other| other.is_same(names)) {
                before.push((*names).clone());
            }
        }
        match before.len() {
            0 | 1 => before.pop().unwrap_or_default(),
            _ => Self(Some(Rc::new(Part { before, name: None }))),
        }
    }

    /// These names and one more.
    pub(crate) fn and(&self, name: &str) -> Self {
        let before = match self.is_empty() {
            true => Vec::new(),
            false => vec![self.clone()],
        };
        let name = Some(name.to_owned());
        Self(Some(Rc::new(Part { before, name })))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(own), Some(other)) => Rc::ptr_eq(own, other),
            (own, other) => own.is_none() && other.is_none(),
        }
    }

    /// The names, each once; where that is more than there is room for, the last few.
    pub(crate) fn list(&self, room: &mut Room) -> Vec<&str> {
        match self.all(room.0) {
            Some((names, steps)) => {
                room.0 -= steps;
                names
            }
            None => {
                // What is long once is long again.
                room.0 = room.0.min(FEW);
                self.last()
            }
        }
    }

    /// All names, and the parts that were looked at; `None` if these are more than `most`.
    fn all(&self, most: usize) -> Option<(Vec<&str>, usize)> {
        let mut names = Vec::new();
        let mut known: HashSet<&str> = HashSet::new();
        let mut seen: HashSet<*const Part> = HashSet::new();
        let mut steps = 0;
        // Parts, and whether what is before them is listed already.
        let mut open: Vec<(&Part, bool)> = self
            .0
            .as_deref()
            .map(|part| (part, false))
            .into_iter()
            .collect();
        while let Some((part, is_listed)) = open.pop() {
            if is_listed {
                let new = part.name.as_deref().filter(|name| known.insert(name));
                names.extend(new);
                continue;
            }
            if !seen.insert(part) {
                continue;
            }
            steps += 1 + part.before.len();
            if steps > most {
                return None;
            }
            open.push((part, true));
            let before = part
                .before
                .iter()
                .rev()
                .filter_map(|names| names.0.as_deref());
            open.extend(before.map(|part| (part, false)));
        }
        Some((names, steps))
    }

    /// The last few names, along the last of what each part links to.
    fn last(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        let mut next = self.0.as_deref();
        for _ in 0..2 * FEW {
            let Some(part) = next else { break };
            let new = part.name.as_deref().filter(|name| !names.contains(name));
            names.extend(new);
            next = part.before.last().and_then(|names| names.0.as_deref());
        }
        names.truncate(FEW);
        names.reverse();
        names
    }
}

/// The name of a step that does what these nodes do; of many, the first and the last.
pub(crate) fn name_of(nodes: &[&str]) -> String {
    let (first, last) = (
        &nodes[..nodes.len().min(FEW / 2)],
        nodes.len().saturating_sub(FEW / 2),
    );
    match nodes.len() > FEW {
        true => format!(
            "{} + ... + {}",
            first.join(" + "),
            nodes[last..].join(" + ")
        ),
        false => nodes.join(" + "),
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.last()).finish()
    }
}

impl Drop for Part {
    /// Without recursion: chains may be long.
    fn drop(&mut self) {
        let mut open = std::mem::take(&mut self.before);
        while let Some(names) = open.pop() {
            if let Some(mut part) = names.0.and_then(Rc::into_inner) {
                open.append(&mut part.before);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(names: &Names) -> Vec<&str> {
        names.list(&mut Room::default())
    }

    #[test]
    fn names_are_listed_once_in_order() {
        assert!(all(&Names::default()).is_empty());
        let p = Names::of("p");
        let (a, b) = (p.and("q").and("r"), p.and("s"));
        let sum = Names::joined(&[&a, &b]).and("sum");
        assert_eq!(all(&sum), ["p", "q", "r", "s", "sum"]);
        assert_eq!(all(&Names::joined(&[&b, &a, &b])), ["p", "s", "q", "r"]);
        assert_eq!(all(&Names::joined(&[&a, &Names::default()])), all(&a));
        assert_eq!(all(&p.and("q").and("p")), ["p", "q"]);
    }

    #[test]
    fn lists_of_a_long_chain_are_bounded_together() {
        const LONG: usize = 100_000;
        let mut room = Room::default();
        let mut chain = Names::default();
        let mut listed = 0;
        for at in 0..LONG {
            chain = chain.and(&at.to_string());
            listed += chain.list(&mut room).len();
        }
        assert!(listed <= ROOM + (FEW + 1) * LONG, "{listed}");
        // As a list of its own it is whole.
        assert_eq!(all(&chain).len(), LONG);
        assert_eq!(chain.last().len(), FEW);
        assert_eq!(chain.last()[FEW - 1], (LONG - 1).to_string());
    }

    #[test]
    fn what_is_read_twice_is_looked_at_once() {
        let mut names = Names::of("first");
        for at in 0..1000 {
            let (left, right) = (names.and("left"), names.and("right"));
            names = Names::joined(&[&left, &right]).and(&at.to_string());
        }
        assert_eq!(all(&names).len(), 1003);
    }

    #[test]
    fn long_names_are_cut() {
        let many: Vec<String> = (0..1000).map(|at| at.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(name_of(&many[..3]), "0 + 1 + 2");
        let name = name_of(&many);
        assert!(
            name.starts_with("0 + 1 + ") && name.ends_with(" + 998 + 999"),
            "{name}"
        );
        assert!(name.contains(" + ... + ") && name.len() < 200, "{name}");
    }
}
