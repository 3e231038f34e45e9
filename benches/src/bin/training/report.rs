//! The record as Markdown.

use std::fmt::Write as _;

use zkassay_benches::INPUTS;

use crate::data::{ROWS, TABLE};
use crate::record::{Network, Record, Run, TorchTimings};
use crate::torch::{CHECK, SAMPLE, WARM_UP};
use crate::{SAMPLES, products};

impl Record {
    /// The page: what was done, the tables, and how to read them.
    pub(crate) fn page(&self) -> String {
        let Run {
            command,
            date,
            host,
            load,
            seconds,
            ..
        } = &self.run;
        let load: Vec<String> = load.iter().map(|load| format!("{load:.1}")).collect();
        let versions = self.run.torch.iter().flat_map(|torch| {
            let versions = torch.versions.as_object();
            let versions = versions.into_iter().flatten();
            versions.map(|(name, value)| format!("; {name} {}", value.as_str().unwrap_or("?")))
        });
        format!(
            "# Training many rounds at once\n\n\
             One run of `{command}`, {date}, {:.1} minutes: {} threads on {} cores of {}, revision \
             {}{}. The machine's load was {} before and after: **where it had other work, times \
             are too long.**\n\n{}\n{}",
            *seconds as f64 / 60.0,
            host.threads,
            host.cores,
            host.cpu,
            host.revision.as_deref().unwrap_or("unknown"),
            versions.collect::<String>(),
            load.join(" and "),
            self.tables(),
            self.notes(),
        )
    }

    /// Sums over the networks, what bounds them, and a line for each.
    pub(crate) fn tables(&self) -> String {
        format!("{}\n{}\n{}", self.sums(), self.bounds(), self.every())
    }

    fn sums(&self) -> String {
        let run = &self.run;
        let threads = run.host.threads;
        let mut ways = vec![
            ("**all rounds at once**", threads, self.sum(at_once)),
            ("one by one", 1, self.sum(|n| n.one_by_one.seconds)),
        ];
        if run.torch.is_some() {
            let one_thread = |t: &TorchTimings| t.one_thread.seconds;
            let all_threads = |t: &TorchTimings| t.all_threads.seconds;
            let faster = |t: &TorchTimings| one_thread(t).min(all_threads(t));
            let batched = |t: &TorchTimings| t.batched.seconds;
            ways.extend([
                ("PyTorch, one by one", 1, self.sum_torch(one_thread)),
                ("PyTorch, one by one", threads, self.sum_torch(all_threads)),
                (
                    "PyTorch, the faster of these for each network",
                    threads,
                    self.sum_torch(faster),
                ),
                ("PyTorch, rounds batched", threads, self.sum_torch(batched)),
            ]);
        }
        let ours = self.sum(at_once);
        let flops = self.flops();
        let mut text = format!(
            "{} networks x {} rounds x {} epochs, {:.2} TFLOP of matrix products, in {:.1} minutes \
             if all rounds are trained at once:\n\n\
             | | Threads | Seconds | GFLOP/s | Multiple of ours |\n|:---|---:|---:|---:|---:|\n",
            self.networks.len(),
            run.rounds,
            run.epochs,
            flops / 1e12,
            ours / 60.0,
        );
        for (way, threads, seconds) in ways {
            let _ = writeln!(
                text,
                "| {way} | {threads} | {seconds:.1} | {:.1} | {:.2} |",
                flops / seconds / 1e9,
                seconds / ours,
            );
        }
        text
    }

    fn bounds(&self) -> String {
        let run = &self.run;
        let flops = self.flops();
        let products = self.sum(|n| n.products.seconds);
        let share = |network: &Network| network.products.seconds / network.at_once.seconds;
        let mut text = format!(
            "What bounds it: the matrix products alone, of the same shapes on the same threads, \
             take {products:.1} s, {:.0} % of the time, at {:.1} GFLOP/s; a large one, of {ROWS} x \
             {INPUTS} by {INPUTS} x {}, reaches {:.1} GFLOP/s ({:.1} on one thread). The rest is activations, \
             loss and Adam.",
            100.0 * products / self.sum(at_once),
            flops / products / 1e9,
            products::WIDEST,
            run.peak[1],
            run.peak[0],
        );
        if let [first, .., last] = self.networks.as_slice() {
            let _ = write!(
                text,
                " Products are {:.0} % of the time for {}, and {:.0} % for {}.",
                100.0 * share(first),
                first.model,
                100.0 * share(last),
                last.model,
            );
        }
        text.push('\n');
        text
    }

    fn every(&self) -> String {
        let threads = self.run.host.threads;
        let mut headings: Vec<String> = [
            "Network",
            "Parameters",
            "MFLOP per epoch",
            "**At once**, s",
            "GFLOP/s",
            "Products alone, s",
            "One by one, s",
        ]
        .map(String::from)
        .into();
        if self.run.torch.is_some() {
            headings.extend([
                "PyTorch, 1 thread, s".to_owned(),
                format!("PyTorch, {threads} threads, s"),
                "PyTorch, batched, s".to_owned(),
            ]);
        }
        let mut text = format!(
            "| {} |\n|:---|{}\n",
            headings.join(" | "),
            "---:|".repeat(headings.len() - 1)
        );
        for network in &self.networks {
            let all = network.flops * (self.run.rounds * self.run.epochs) as f64;
            let seconds = at_once(network);
            let mut cells = vec![
                network.model.clone(),
                network.parameters.to_string(),
                format!("{:.2}", network.flops / 1e6),
                format!("{seconds:.2}"),
                format!("{:.1}", all / seconds / 1e9),
                format!("{:.2}", network.products.seconds),
                format!("{:.2}", network.one_by_one.seconds),
            ];
            if let Some(torch) = &network.torch {
                let timings = [&torch.one_thread, &torch.all_threads, &torch.batched];
                cells.extend(timings.map(|timing| format!("{:.2}", timing.seconds)));
            }
            let _ = writeln!(text, "| {} |", cells.join(" | "));
        }
        text
    }

    fn notes(&self) -> String {
        let mut text = format!(
            "- **Rows.** Each round has {ROWS} rows of {TABLE}, {INPUTS} standard normal features, \
             a seed of its own. Adam, full batch, ReLU, sigmoid and cross-entropy, as in the study.\n\
             - **All rounds at once** is `mlp::fit_rounds`, measured in full, once. **One by one** \
             is `mlp::fit`: the median of {SAMPLES} whole rounds, times the rounds.\n\
             - **MFLOP**: {}; the GFLOP/s count nothing else. **Products alone**: the median of \
             {SAMPLES} samples.\n",
            products::FORMULA,
        );
        if let Some(torch) = &self.run.torch {
            let [usual, batched] = SAMPLE;
            let [rounds, epochs] = CHECK;
            let _ = write!(
                text,
                "- **PyTorch** gets the same rows and labels. One by one: `nn.Sequential`, \
                 `BCEWithLogitsLoss` and `Adam` as they come, {usual} epochs of one round. \
                 Batched: `baddbmm` over stacked weights and fused `Adam`, {batched} epochs of all \
                 rounds. Medians of {SAMPLES} samples, each after {WARM_UP} epochs of warm-up, \
                 scaled. Two processes of one thread each would at best halve the time of one.\n\
                 - **Both do the same**: {rounds} rounds of every network, trained for {epochs} \
                 epochs from the same weights, have training losses that differ by {:.1e} at \
                 most, relative to the loss, in both of PyTorch's ways.\n",
                torch.loss_difference,
            );
        }
        if let Some(reason) = &self.run.skipped {
            let _ = writeln!(text, "- PyTorch is left out: {reason}");
        }
        text
    }

    /// Of all networks, rounds and epochs.
    fn flops(&self) -> f64 {
        self.sum(|n| n.flops) * (self.run.rounds * self.run.epochs) as f64
    }

    fn sum(&self, of: impl Fn(&Network) -> f64) -> f64 {
        self.networks.iter().map(of).sum()
    }

    fn sum_torch(&self, of: impl Fn(&TorchTimings) -> f64) -> f64 {
        let networks = self.networks.iter();
        networks.filter_map(|n| n.torch.as_ref()).map(of).sum()
    }
}

fn at_once(network: &Network) -> f64 {
    network.at_once.seconds
}

#[cfg(test)]
mod tests {
    use crate::record::TorchRun;
    use crate::record::tests::{network, record};

    #[test]
    fn sums_and_ratios_are_those_of_the_networks() {
        let torch = Some([30.0, 60.0, 40.0]);
        let other = Some([80.0, 50.0, 40.0]);
        let mut record = record(vec![
            network("logistic", [10.0, 20.0, 5.0], torch),
            network("4", [30.0, 50.0, 20.0], other),
        ]);
        record.run.torch = Some(TorchRun {
            versions: serde_json::json!({ "PyTorch": "2" }),
            loss_difference: 1.5e-6,
        });
        let page = record.page();
        // 20000 epochs of 40 µs, 300 kFLOP twice.
        let ours = format!(
            "at once** | {} | 0.8 | 15.0 | 1.00 |",
            record.run.host.threads
        );
        assert!(page.contains(&ours), "{page}");
        assert!(
            page.contains("| one by one | 1 | 1.4 | 8.6 | 1.75 |"),
            "{page}"
        );
        // 30 and 50 of 30, 60; 80, 50.
        assert!(page.contains("| 1.6 | 7.5 | 2.00 |"), "{page}");
        assert!(page.contains("62 % of the time, at 24.0 GFLOP/s"), "{page}");
        assert!(
            page.contains("50 % of the time for logistic, and 67 % for 4"),
            "{page}"
        );
        assert!(
            page.contains("| 4 | 163 | 0.30 | 0.60 | 10.0 | 0.40 | 1.00 | 1.60 | 1.00 | 0.80 |"),
            "{page}"
        );
        assert!(page.contains("1.5e-6"), "{page}");
    }

    #[test]
    fn what_is_left_out_has_a_reason_and_no_columns() {
        let mut record = record(vec![network("logistic", [10.0, 20.0, 5.0], None)]);
        record.run.skipped = Some("no Python".into());
        let page = record.page();
        assert!(
            page.contains("- PyTorch is left out: no Python\n"),
            "{page}"
        );
        assert_eq!(page.matches("PyTorch").count(), 1);
    }
}
