//! The answer as tables for a terminal.

use super::{Answer, layers};
use jostle::geometry::{Geometry, Sampling};
use jostle_report::number::precise;
use jostle_report::text::{aligned, counted};

impl Answer {
    /// The quantities of the point, and a table with one line for each kind of batches, with the conventions they
    /// are stated in.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}: {}\n\n", self.path.display(), self.size());
        let rows: Vec<Vec<String>> =
            self.quantities().into_iter().map(|(name, value)| vec![name, value]).collect();
        text += &aligned(&rows);
        if let Some(rows) = self.layers_table() {
            text += &format!("\n{}\n\n{}", layers::CONVENTIONS, aligned(&rows));
        }
        text += &format!("\n{}\n", self.conventions());
        for note in &self.notes {
            text += &format!("{note}\n");
        }
        text + "\n" + &aligned(&self.table())
    }

    /// How many samples, outputs and parameters there are.
    pub(super) fn size(&self) -> String {
        let Geometry { samples, outputs, params, .. } = self.geometry;
        let mut size = counted(samples, "sample");
        if outputs != 1 {
            size += &format!(" of {outputs} outputs");
        }
        params.map_or(size.clone(), |p| format!("{size}, {}", counted(p, "parameter")))
    }

    /// Names and values, by the names of the JSON answer.
    pub(super) fn quantities(&self) -> Vec<(String, String)> {
        let json = self.to_json();
        let numbers = json.as_object().into_iter().flatten().filter(|(name, value)| {
            let of_batches = [
                "max_stable_learning_rate",
                "max_stable_learning_rate_low",
                "max_stable_learning_rate_high",
                "trace_bound",
                "frobenius_bound",
                "growth_rate",
                "verdict",
                "stability",
                "n",
                "p",
            ];
            !of_batches.contains(&name.as_str()) && (value.is_number() || value.is_null())
        });
        numbers.map(|(name, value)| (name.clone(), precise(value.as_f64().unwrap_or(f64::NAN)))).collect()
    }

    /// What loss, batches and stability mean here.
    pub(super) fn conventions(&self) -> String {
        let drawn = match self.question.sampling {
            Sampling::WithReplacement => "drawn with replacement",
            Sampling::WithoutReplacement => "drawn without replacement",
            Sampling::Bernoulli => "of independent samples",
        };
        let exactness = if self.is_exact() {
            ""
        } else {
            "; the kernel is too large for its eigenvalues, so that the largest stable learning rate is only known to \
             lie between max_stable_learning_rate_low and max_stable_learning_rate_high"
        };
        let loss = match self.other_loss {
            None => "Loss (1/2n) sum r^2, in units of which alignments are",
            Some(_) => {
                "Loss: mean cross-entropy; alignments in units of gauss_newton_loss, (1/2n) sum (p - y)^2 / p, and those that end in \
                 _by_loss in units of the loss"
            }
        };
        format!("{loss}; batches {drawn}; stable in the mean square, without momentum{exactness}.")
    }

    fn table(&self) -> Vec<Vec<String>> {
        let asked = self.question.learning_rate;
        let threshold: &[&str] = if self.is_exact() {
            &["max_stable_learning_rate"]
        } else {
            &["max_stable_learning_rate_low", "max_stable_learning_rate_high"]
        };
        let mut head = [&["batch"][..], threshold, &["trace_bound", "frobenius_bound"]].concat();
        if asked.is_some() {
            head.extend(["verdict", "growth_rate"]);
        }
        let mut rows = vec![head.into_iter().map(str::to_owned).collect::<Vec<_>>()];
        for entry in &self.stability {
            let mut row = vec![
                entry.batches.size.to_string(),
                precise(entry.threshold.learning_rate),
                precise(entry.trace_bound),
                precise(entry.frobenius_bound),
            ];
            if !self.is_exact() {
                row.insert(1, precise(entry.threshold.lower_bound));
            }
            if asked.is_some() {
                row.push(entry.verdict().to_owned());
                row.push(entry.growth_rate.map_or_else(|| "unknown".to_owned(), precise));
            }
            rows.push(row);
        }
        rows
    }
}
