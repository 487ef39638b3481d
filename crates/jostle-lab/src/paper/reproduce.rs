//! Runs a paper's experiments into one folder, judges its claims and draws its figures.

use super::{Networks, Paper, Runs, find};
use crate::claim::{Claim, verdict_line};
use crate::experiment::{Experiment, Overrides};
use crate::report::{Figure, Report};
use crate::run::{
    LabError, Machine, Outcome, Plan, Progress, Run, Status, diverged_warning, execute, report_of_run,
    write_json, write_report,
};
use crate::storage::{StorageError, prepare_folder, write_atomically};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A paper, how much of it, and how it is changed.
pub struct Reproduction<'a> {
    /// The paper.
    pub paper: &'static Paper,
    /// The scale: `quick`, `standard` or `paper`.
    pub scale: &'a str,
    /// The paper's further experiments on networks, where they are to run too.
    pub networks: Option<&'static Networks>,
    /// Changes to every experiment; the scale in it is ignored.
    pub overrides: Overrides,
    /// Threads, or all processors.
    pub threads: Option<usize>,
}

/// How a reproduction came to its end.
pub enum PaperOutcome {
    /// Every experiment is finished, and the claims are judged.
    Done(Vec<Claim>),
    /// It was stopped.
    Interrupted,
}

/// `manifest.json` of a paper's folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct PaperManifest {
    version: String,
    status: Status,
    paper: String,
    scale: String,
    experiments: Vec<String>,
    wall_seconds: f64,
    machine: Machine,
}

impl Reproduction<'_> {
    /// The names and texts of the experiments.
    fn files(&self) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
        let networks = self.networks.map_or(&[][..], |networks| networks.experiments);
        self.paper.experiments.iter().chain(networks)
    }

    /// The experiments at the chosen scale, with their names. Paths in them are relative to `base`.
    ///
    /// # Errors
    /// A change that an experiment does not allow.
    pub fn experiments(&self, base: &Path) -> Result<Vec<(&'static str, Experiment)>, LabError> {
        self.files()
            .map(|(name, text)| {
                let scale = (self.scale != "paper" && text.contains(&format!("[scale.{}]", self.scale)))
                    .then(|| self.scale.to_owned());
                let overrides = Overrides { scale, ..self.overrides.clone() };
                let origin = format!("{}/{name}.toml", self.paper.name);
                Ok((*name, Experiment::from_text(text, &origin, base, &overrides)?))
            })
            .collect()
    }
}

impl Reproduction<'_> {
    /// Roughly how many seconds it takes on this machine.
    ///
    /// # Errors
    /// As [`reproduce`].
    pub fn seconds(&self) -> Result<f64, LabError> {
        Ok(self.plans()?.iter().map(Plan::seconds).sum())
    }

    /// What each experiment will do; their data are read from a folder that is gone afterwards.
    fn plans(&self) -> Result<Vec<Plan>, LabError> {
        let folder = tempfile::tempdir()
            .map_err(|source| StorageError::Io { action: "make a temporary folder", source })?;
        write_files(self, folder.path())?;
        let experiments = self.experiments(folder.path())?;
        experiments.into_iter().map(|(_, mut experiment)| Plan::new(&mut experiment, self.threads)).collect()
    }
}

/// Runs a paper's experiments, each into a folder of its own below `out`, and judges its claims.
///
/// # Errors
/// Changes that do not fit the experiments, too little memory, or a folder that cannot be written.
pub fn reproduce(
    reproduction: &Reproduction<'_>,
    out: &Path,
    progress: &dyn Progress,
) -> Result<PaperOutcome, LabError> {
    let paper = reproduction.paper;
    let files = out.join("experiments");
    // Everything is checked before anything is written or computed.
    let plans = reproduction.plans()?;
    let machine = plans.first().map_or_else(|| Machine::here(1, jostle::Level::detect()), Plan::machine);
    prepare_folder(out)?;
    write_files(reproduction, &files)?;
    let mut experiments = reproduction.experiments(&files)?;
    let started = Instant::now();
    let mut manifest = PaperManifest {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        status: Status::Running,
        paper: paper.name.to_owned(),
        scale: reproduction.scale.to_owned(),
        experiments: Vec::new(),
        wall_seconds: 0.0,
        machine,
    };
    let path = out.join("manifest.json");
    write_json(&path, &manifest)?;
    for (name, experiment) in &mut experiments {
        let folder = out.join(*name);
        match execute(experiment, &folder, reproduction.threads, progress)? {
            Outcome::Done(run) => write_report(&folder, &report_of_run(&run)?)?,
            Outcome::Interrupted => {
                manifest.status = Status::Interrupted;
                write_json(&path, &manifest)?;
                return Ok(PaperOutcome::Interrupted);
            }
        }
        manifest.experiments.push((*name).to_owned());
    }
    let runs = open(out, &manifest)?;
    let claims = paper.claims_on(&runs)?;
    write_json(&out.join("claims.json"), &claims)?;
    manifest.status = Status::Done;
    manifest.wall_seconds = started.elapsed().as_secs_f64();
    write_json(&path, &manifest)?;
    write_report(out, &report(paper, &runs, &manifest, claims.clone())?)?;
    Ok(PaperOutcome::Done(claims))
}

/// Writes the experiment files and their data, so that each can be run and changed on its own.
fn write_files(reproduction: &Reproduction<'_>, folder: &Path) -> Result<(), LabError> {
    prepare_folder(folder)?;
    let texts = reproduction.files().map(|(name, text)| (format!("{name}.toml"), text.as_bytes()));
    let data = reproduction.paper.data.iter().map(|(name, bytes)| ((*name).to_owned(), *bytes));
    for (name, bytes) in texts.chain(data) {
        write_atomically(&folder.join(name), |file| file.write_all(bytes))?;
    }
    Ok(())
}

fn open(out: &Path, manifest: &PaperManifest) -> Result<Runs, LabError> {
    let runs: Result<BTreeMap<_, _>, LabError> =
        manifest.experiments.iter().map(|name| Ok((name.clone(), Run::open(&out.join(name))?))).collect();
    Ok(Runs { runs: runs?, scale: manifest.scale.clone() })
}

fn report(
    paper: &Paper,
    runs: &Runs,
    manifest: &PaperManifest,
    claims: Vec<Claim>,
) -> Result<Report, LabError> {
    let figures: Vec<Figure> = paper.figures_on(runs)?;
    let steps: f64 = runs.iter().map(|(_, run)| run.manifest.replica_steps).sum();
    let fact = |name: &str, value: String| (name.to_owned(), value);
    let mut data: Vec<&String> = runs.iter().flat_map(|(_, run)| &run.manifest.data).collect();
    data.sort_unstable();
    data.dedup();
    let data: Vec<(String, String)> = data.into_iter().map(|text| fact("data", text.clone())).collect();
    Ok(Report {
        title: paper.title.to_owned(),
        lead: format!("{} {}", paper.lead, verdict_line(&claims)),
        warnings: runs
            .iter()
            .filter_map(|(name, run)| diverged_warning(run).map(|text| format!("{name}: {text}")))
            .collect(),
        claims,
        figures,
        facts: [
            fact("jostle", manifest.version.clone()),
            fact("scale", manifest.scale.clone()),
            fact("replica-steps", crate::number::compact(steps)),
            fact("time", format!("{:.1} s on {} threads", manifest.wall_seconds, manifest.machine.threads)),
            fact("machine", format!("{}, {}", manifest.machine.platform, manifest.machine.level)),
        ]
        .into_iter()
        .chain(data)
        .collect(),
        settings: runs
            .iter()
            .map(|(name, run)| (format!("{name}/experiment.toml"), run.experiment.clone()))
            .collect(),
        references: std::iter::once(paper.reference)
            .chain(paper.references.iter().copied())
            .map(str::to_owned)
            .collect(),
    })
}

/// Builds the report of a run folder, or of a paper's folder, again, from the files in it. Returns its path.
///
/// # Errors
/// The folder is neither, or a file of it cannot be read or written.
pub fn rebuild_report(folder: &Path) -> Result<PathBuf, LabError> {
    let text = std::fs::read_to_string(folder.join("manifest.json")).unwrap_or_default();
    let Ok(manifest) = serde_json::from_str::<PaperManifest>(&text) else {
        write_report(folder, &report_of_run(&Run::open(folder)?)?)?;
        return Ok(folder.join("report.html"));
    };
    let not_a_run = |reason: String| LabError::NotARun { folder: folder.to_path_buf(), reason };
    if manifest.status != Status::Done {
        return Err(not_a_run("not all of its experiments are finished".to_owned()));
    }
    let (paper, runs) = (find(&manifest.paper)?, open(folder, &manifest)?);
    // Judged again: claims.json has no word for an infinite end of an interval.
    let claims = paper.claims_on(&runs)?;
    write_report(folder, &report(paper, &runs, &manifest, claims)?)?;
    Ok(folder.join("report.html"))
}
