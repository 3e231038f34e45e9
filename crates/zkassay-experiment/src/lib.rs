//! From data to verified proofs in one command
