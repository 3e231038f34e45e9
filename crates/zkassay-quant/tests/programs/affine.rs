//! Convolutions, sums, data movement, rectifiers and extremes.

use crate::support::{error, lenet, lowered, rows, small_cnn};

#[test]
fn small_networks_for_images_become_programs() {
    for (graph, most) in [(small_cnn(), 2e-3), (lenet(), 1e-2)] {
        let lowered = lowered(&graph);
        let worst = error(&graph, &lowered.program, &rows(10, 784, 0.5, 1));
        let program = lowered.program;
        println!("{} wires, {} steps, error {worst:.2e}", program.wires(), program.steps.len());
        assert!(worst < most, "{worst}");
        program.validate().unwrap();
    }
}
