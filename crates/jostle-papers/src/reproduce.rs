//! Runs a paper's experiments into one folder, judges its claims and draws its figures.

use crate::paper::Finished;
use crate::{Paper, find};
use jostle_files::{FolderLock, StorageError, prepare_folder, write_atomically};
use jostle_lab::experiment::{Experiment, Overrides};
use jostle_lab::plan::{Plan, Resources};
use jostle_lab::read::{Run, diverged_warning, report_of_run, settings_to_share, write_report};
use jostle_lab::record::{Machine, Status, write_json};
use jostle_lab::run::{Destination, Held, Outcome, compute, head};
use jostle_lab::{LabError, Progress};
use jostle_report::claim::{Claim, verdict_line};
use jostle_report::{Figure, Report};
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
    /// Whether the paper's further experiments on networks are to run too.
    pub with_networks: bool,
    /// Changes to every experiment; the scale in it is ignored.
    pub overrides: Overrides,
    /// What it may use of the machine.
    pub resources: Resources,
}

/// How a reproduction came to its end.
pub enum PaperOutcome {
    /// Every experiment is finished, and the claims are judged.
    Done(Vec<Claim>),
    /// It was stopped; whether experiments of it are finished and in the folder.
    Interrupted(bool),
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
        let networks = if self.with_networks { self.paper.networks } else { &[] };
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

/// What an experiment of a paper will do.
struct Part {
    name: &'static str,
    /// What will stand in the `experiment.toml` of its folder.
    text: String,
    seconds: f64,
    machine: Machine,
}

impl Reproduction<'_> {
    /// Roughly how many seconds it takes on this machine.
    ///
    /// # Errors
    /// As [`reproduce`].
    pub fn seconds(&self) -> Result<f64, LabError> {
        Ok(self.parts()?.iter().map(|part| part.seconds).sum())
    }

    /// What each experiment will do; their data are read from a folder that is gone afterwards.
    fn parts(&self) -> Result<Vec<Part>, LabError> {
        let folder = tempfile::tempdir()
            .map_err(|source| StorageError::Io { action: "make a temporary folder", source })?;
        let files = folder.path().join(FILES);
        self.write_files(&files)?;
        let experiments = self.experiments(&files)?;
        let part = |(name, experiment): (&'static str, Experiment)| {
            let plan = Plan::new(experiment, &self.resources)?;
            // As in the folder of the reproduction, where everything has the same place.
            let text = part_of(folder.path(), &folder.path().join(name), false).text(plan.experiment());
            Ok(Part { name, text, seconds: plan.seconds(), machine: plan.machine() })
        };
        experiments.into_iter().map(part).collect()
    }

    /// The experiment files and their data, so that each can be run and changed on its own.
    fn contents(&self) -> impl Iterator<Item = (String, &'static [u8])> {
        let texts = self.files().map(|(name, text)| (format!("{name}.toml"), text.as_bytes()));
        let data = self.paper.data.iter().map(|(name, bytes)| ((*name).to_owned(), *bytes));
        texts.chain(data)
    }

    fn write_files(&self, folder: &Path) -> Result<(), LabError> {
        prepare_folder(folder)?;
        for (name, bytes) in self.contents() {
            let path = folder.join(name);
            if std::fs::read(&path).is_ok_and(|there| there == bytes) {
                continue;
            }
            write_atomically(&path, |file| file.write_all(bytes))?;
        }
        Ok(())
    }

    /// What the folder of a reproduction holds, which must be this one, nothing of jostle's, or what may be replaced.
    fn held(&self, out: &Path, force: bool, parts: &[Part]) -> Result<Held, LabError> {
        let files: Vec<String> = self.contents().map(|(name, _)| format!("{FILES}/{name}")).collect();
        let names = RESULTS.into_iter().chain(files.iter().map(String::as_str));
        let held = Destination::new(out, force).replaceable(head(out, names)?, |head| {
            let (paper, scale) = (self.paper.name, self.scale);
            match (&head.paper, &head.scale) {
                (None, _) => return Some("it is not a paper's".to_owned()),
                (Some(there), _) if there != paper => return Some(format!("it reproduces {there}")),
                (_, there) if there.as_deref() != Some(scale) => {
                    return Some(format!("its scale is {}", there.as_deref().unwrap_or("unknown")));
                }
                _ => {}
            }
            if !head.experiments.iter().eq(parts.iter().map(|part| part.name)) {
                return Some("its experiments are others".to_owned());
            }
            let changed = |(name, bytes): &(String, &[u8])| {
                std::fs::read(out.join(FILES).join(name)).is_ok_and(|there| there != *bytes)
            };
            self.contents().find(changed).map(|(name, _)| format!("{FILES}/{name} was changed"))
        })?;
        // Nothing is computed before it is known that all of it may be kept.
        for part in parts {
            part_of(out, &out.join(part.name), force).held(&part.text)?;
        }
        Ok(held)
    }
}

/// The folder of the experiment files and their data.
const FILES: &str = "experiments";
/// What else is written into the folder of a reproduction.
const RESULTS: [&str; 3] = ["manifest.json", "claims.json", "report.html"];

/// The run folder of an experiment in the folder of a reproduction, which is moved as a whole.
fn part_of<'a>(out: &'a Path, folder: &'a Path, force: bool) -> Destination<'a> {
    Destination { whole: out, ..Destination::new(folder, force) }
}

/// Runs a paper's experiments, each into a folder of its own below `out`, and judges its claims.
///
/// The folder must be new, or hold the same reproduction finished; with `force`, anything else of jostle's in it is
/// replaced. What it holds stays until the experiment that takes its place is finished.
///
/// # Errors
/// Changes that do not fit the experiments, too little memory, or a folder that cannot be written or must not be.
pub fn reproduce(
    reproduction: &Reproduction<'_>,
    out: &Path,
    force: bool,
    progress: &dyn Progress,
) -> Result<PaperOutcome, LabError> {
    let paper = reproduction.paper;
    let files = out.join(FILES);
    // Everything is checked before anything is written or computed.
    let parts = reproduction.parts()?;
    let machine =
        parts.first().map_or_else(|| Machine::here(1, jostle::Level::detect()), |part| part.machine.clone());
    prepare_folder(out)?;
    let lock = FolderLock::take(out)?;
    let held = reproduction.held(out, force, &parts)?;
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
    let is_same = held == Held::Finished && parts.iter().all(|part| is_finished(out, part));
    if held == Held::Nothing {
        write_json(&path, &manifest)?;
    }
    reproduction.write_files(&files)?;
    for (name, experiment) in reproduction.experiments(&files)? {
        let folder = out.join(name);
        let plan = Plan::new(experiment, &reproduction.resources)?;
        let computed = compute(&plan, &part_of(out, &folder, force), progress)?;
        let outcome = match computed {
            Some(computed) if computed.is_kept() => {
                lock.check()?;
                if !is_same && manifest.experiments.is_empty() {
                    // From here on the folder holds this reproduction, and no other.
                    write_json(&path, &manifest)?;
                    for stale in ["claims.json", "report.html"] {
                        let _ = std::fs::remove_file(out.join(stale));
                    }
                }
                Some(computed.publish()?)
            }
            _ => None,
        };
        let Some(Outcome::Done) = outcome else {
            let begun = outcome.is_some() || !manifest.experiments.is_empty() || held == Held::Nothing;
            if begun && !is_same {
                manifest.status = Status::Interrupted;
                write_json(&path, &manifest)?;
            }
            return Ok(PaperOutcome::Interrupted(begun && !is_same));
        };
        let run = Run::open(&folder)?;
        write_report(&folder, &report_of_run(&run)?)?;
        manifest.experiments.push(name.to_owned());
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

/// Whether a folder holds the finished run of an experiment, so that running it again changes nothing.
fn is_finished(out: &Path, part: &Part) -> bool {
    let folder = out.join(part.name);
    part_of(out, &folder, false).held(&part.text).is_ok_and(|held| held == Held::Finished)
}

fn open(out: &Path, manifest: &PaperManifest) -> Result<Finished, LabError> {
    let runs: Result<BTreeMap<_, _>, LabError> =
        manifest.experiments.iter().map(|name| Ok((name.clone(), Run::open(&out.join(name))?))).collect();
    Ok(Finished { runs: runs?, scale: manifest.scale.clone() })
}

fn report(
    paper: &Paper,
    finished: &Finished,
    manifest: &PaperManifest,
    claims: Vec<Claim>,
) -> Result<Report, LabError> {
    let figures: Vec<Figure> = paper.figures_on(finished)?;
    let runs = &finished.runs;
    let steps: f64 = runs.values().map(|run| run.manifest.replica_steps).sum();
    let fact = |name: &str, value: String| (name.to_owned(), value);
    Ok(Report {
        title: paper.title.to_owned(),
        lead: format!("{} {}", paper.lead, verdict_line(&claims)),
        remarks: paper.remarks(&claims),
        warnings: runs
            .iter()
            .filter_map(|(name, run)| diverged_warning(run).map(|text| format!("{name}: {text}")))
            .collect(),
        claims,
        figures,
        facts: [
            fact("jostle", manifest.version.clone()),
            fact("scale", manifest.scale.clone()),
            fact("replica-steps", jostle_report::number::compact(steps)),
            fact("time", format!("{:.1} s on {} threads", manifest.wall_seconds, manifest.machine.threads)),
            fact("machine", format!("{}, {}", manifest.machine.platform, manifest.machine.level)),
        ]
        .into_iter()
        .chain(data(runs))
        .collect(),
        settings: runs
            .iter()
            .map(|(name, run)| (format!("{name}/experiment.toml"), settings_to_share(&run.experiment)))
            .collect(),
        references: std::iter::once(paper.reference)
            .chain(paper.references.iter().copied())
            .map(str::to_owned)
            .collect(),
    })
}

/// Which experiments read which data: one fact for each text, named after its experiments.
fn data(runs: &BTreeMap<String, Run>) -> Vec<(String, String)> {
    let mut found: Vec<(&String, Vec<&str>)> = Vec::new();
    for (name, run) in runs {
        for text in &run.manifest.data {
            match found.iter_mut().find(|(known, _)| *known == text) {
                Some((_, names)) => names.push(name),
                None => found.push((text, vec![name])),
            }
        }
    }
    found.into_iter().map(|(text, names)| (format!("data of {}", names.join(", ")), text.clone())).collect()
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
    let paper = find(&manifest.paper)?;
    let is_there = |(name, _): &&(&str, &str)| manifest.experiments.iter().any(|known| known == name);
    if let Some((missing, _)) = paper.experiments.iter().find(|experiment| !is_there(experiment)) {
        return Err(not_a_run(format!("manifest.json does not list the experiment {missing:?}")));
    }
    let runs = open(folder, &manifest)?;
    // Judged again: claims.json has no word for an infinite end of an interval.
    let claims = paper.claims_on(&runs)?;
    write_report(folder, &report(paper, &runs, &manifest, claims)?)?;
    Ok(folder.join("report.html"))
}
