//! Decision trees, random forests, boosted trees.
