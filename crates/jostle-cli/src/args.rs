//! What the command understands.

use clap::{Args, Parser, Subcommand, ValueEnum};
use jostle_lab::experiment::Overrides;
use jostle_lab::plan::Resources;
use std::path::PathBuf;

/// The laboratory for noisy gradient descent: run it, and check what the papers claim about it.
#[derive(Debug, Parser)]
#[command(name = "jostle", version, max_term_width = 100, propagate_version = true)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// What to print.
    #[command(flatten)]
    pub(crate) output: Output,
}

/// What to print, and where.
#[derive(Debug, Args)]
pub(crate) struct Output {
    /// Print the result as JSON on standard output; progress and messages go to standard error.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print nothing but errors (and the result with --json).
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more.
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a paper's experiments and judge its claims; without a name, list the papers.
    Reproduce(ReproduceOptions),
    /// Run one experiment file.
    Run(RunOptions),
    /// What theory says a run of an experiment file will show, without running it.
    Predict(PredictOptions),
    /// Validate an experiment file: resolved settings, memory and time; runs nothing.
    Check(CheckOptions),
    /// Measure the geometry of a point given as arrays, or of a checkpoint, and the learning rates that are stable there.
    Measure(MeasureOptions),
    /// (Re)build the report of a run folder.
    Report(ReportOptions),
}

/// How an experiment file is changed from the command line.
#[derive(Debug, Args)]
pub(crate) struct FileOptions {
    /// Change a setting: a dotted path into the file, e.g. --set noise.0.std=0.5 (repeatable).
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Number of replicas (ensemble.replicas).
    #[arg(long, value_name = "R")]
    pub(crate) replicas: Option<u64>,
    /// Seed of the noise (ensemble.seed).
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,
    /// Where data sets of images are.
    #[command(flatten)]
    pub(crate) data: DataOptions,
}

/// How many threads a command uses.
#[derive(Debug, Args)]
pub(crate) struct ThreadOptions {
    /// Threads [default: all processors]. Results do not depend on it.
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
}

impl ThreadOptions {
    /// These threads, with the best instruction set of the machine.
    pub(crate) fn resources(&self) -> Resources {
        Resources::with_threads(self.threads.map(usize::from))
    }
}

/// Where data sets of images are.
#[derive(Debug, Args)]
pub(crate) struct DataOptions {
    /// The folder that holds data sets of images, such as CIFAR-10 [default: the variable JOSTLE_DATA].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl DataOptions {
    /// The folder that the option or the environment names.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        let variable =
            || std::env::var_os("JOSTLE_DATA").filter(|value| !value.is_empty()).map(PathBuf::from);
        self.data.clone().or_else(variable)
    }
}

impl FileOptions {
    /// The same as overrides of an experiment, for a scale.
    pub(crate) fn overrides(&self, scale: Option<&str>) -> Overrides {
        Overrides {
            scale: scale.map(str::to_owned),
            set: self.set.clone(),
            replicas: self.replicas,
            seed: self.seed,
            data: self.data.folder(),
        }
    }
}

/// Options of `jostle run`.
#[derive(Debug, Args)]
pub(crate) struct RunOptions {
    /// The experiment file.
    pub(crate) file: PathBuf,
    /// Changes to the file.
    #[command(flatten)]
    pub(crate) changes: FileOptions,
    /// The run folder [default: runs/NAME].
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Replace what the folder holds of another experiment, or of an unfinished run, once the new results are there.
    #[arg(long)]
    pub(crate) force: bool,
    /// Threads.
    #[command(flatten)]
    pub(crate) threads: ThreadOptions,
}

/// Options of `jostle predict`.
#[derive(Debug, Args)]
pub(crate) struct PredictOptions {
    /// The experiment file.
    pub(crate) file: PathBuf,
    /// Changes to the file.
    #[command(flatten)]
    pub(crate) changes: FileOptions,
    /// Write a run folder, labelled as a prediction.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Replace what the folder holds of another experiment, or of an unfinished run, once the new results are there.
    #[arg(long, requires = "out")]
    pub(crate) force: bool,
    /// A run folder of the same experiment to compare with [default: runs/NAME, if there is one].
    #[arg(long, value_name = "RUN")]
    pub(crate) against: Option<PathBuf>,
    /// Threads.
    #[command(flatten)]
    pub(crate) threads: ThreadOptions,
}

/// Options of `jostle check`.
#[derive(Debug, Args)]
pub(crate) struct CheckOptions {
    /// The experiment file.
    pub(crate) file: PathBuf,
    /// Changes to the file.
    #[command(flatten)]
    pub(crate) changes: FileOptions,
    /// Threads.
    #[command(flatten)]
    pub(crate) threads: ThreadOptions,
}

/// Options of `jostle measure`.
#[derive(Debug, Args)]
pub(crate) struct MeasureOptions {
    /// An npz file with `residuals` (n, or n x c) and `jacobian` (n x p) or `kernel` (n x n); with --experiment, a
    /// safetensors checkpoint of its model, or an npz file with `theta_0`, such as a run's final.npz.
    pub(crate) file: PathBuf,
    /// The experiment whose model and data the parameters in FILE belong to.
    #[arg(long, value_name = "TOML")]
    pub(crate) experiment: Option<PathBuf>,
    /// Change a setting of the experiment (repeatable).
    #[arg(long = "set", value_name = "KEY=VALUE", requires = "experiment")]
    pub(crate) set: Vec<String>,
    /// Where data sets of images are.
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// A learning rate to judge: stable or unstable, and how fast the loss grows.
    #[arg(long, value_name = "ETA", allow_negative_numbers = true)]
    pub(crate) learning_rate: Option<f64>,
    /// Batch size [default: every power of two up to the number of samples].
    #[arg(long, value_name = "B")]
    pub(crate) batch: Option<usize>,
    /// Batches are drawn without replacement.
    #[arg(long)]
    pub(crate) no_replacement: bool,
    /// Threads.
    #[command(flatten)]
    pub(crate) threads: ThreadOptions,
    /// Write the atlas of stability as an HTML file [default: the name of FILE, with .html, in this folder].
    #[arg(long, value_name = "HTML", num_args = 0..=1)]
    #[expect(clippy::option_option, reason = "clap's form of an option with an optional value")]
    pub(crate) plot: Option<Option<PathBuf>>,
}

/// Options of `jostle report`.
#[derive(Debug, Args)]
pub(crate) struct ReportOptions {
    /// The run folder.
    pub(crate) run: PathBuf,
}

/// Options of `jostle reproduce`.
#[derive(Debug, Args)]
pub(crate) struct ReproduceOptions {
    /// The paper, e.g. shape-matters.
    pub(crate) paper: Option<String>,
    /// Run the paper's further experiments on networks too, which take minutes.
    #[arg(long, requires = "paper")]
    pub(crate) with_networks: bool,
    /// How much of the paper to run.
    #[arg(long, value_enum, default_value_t = Scale::Standard)]
    pub(crate) scale: Scale,
    /// The run folder [default: runs/PAPER].
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Replace what the folder holds of another experiment or paper, or of an unfinished run, once the new results are there.
    #[arg(long, requires = "paper")]
    pub(crate) force: bool,
    /// Number of replicas of every experiment (ensemble.replicas).
    #[arg(long, value_name = "R")]
    pub(crate) replicas: Option<u64>,
    /// Seed of the noise of every experiment (ensemble.seed).
    #[arg(long, value_name = "S")]
    pub(crate) seed: Option<u64>,
    /// Where data sets of images are.
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// Change a setting of every experiment (repeatable).
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Threads.
    #[command(flatten)]
    pub(crate) threads: ThreadOptions,
}

/// How much of a paper to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scale {
    /// Seconds: fewer replicas and steps.
    Quick,
    /// Under two minutes on two cores.
    Standard,
    /// The paper's settings, with many seeds.
    Paper,
}

impl Scale {
    /// The name of the scale in experiment files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Scale::Quick => "quick",
            Scale::Standard => "standard",
            Scale::Paper => "paper",
        }
    }
}
