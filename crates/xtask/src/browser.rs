//! A report looked at in a real browser: narrow and wide, light and dark.

use crate::devtools::{Browser, Page};
use crate::stage::{Failure, Stage};
use crate::tally::Tally;
use crate::tools::{cargo, plainly, root, succeeds};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, fs};

const WIDTHS: [u32; 2] = [400, 1400];
const THEMES: [&str; 2] = ["light", "dark"];
const HEIGHT: u32 = 900;
/// Beyond this, browsers leave parts of a picture empty.
const TALLEST_PICTURE: u32 = 12_000;
/// How long drawing may take, and how long once the page has complained.
const PATIENCE: Duration = Duration::from_mins(1);
const PATIENCE_AFTER_COMPLAINTS: Duration = Duration::from_secs(5);
/// Characters of a complaint that are shown.
const LONGEST_FAULT: usize = 300;

/// What is wrong with the figures of a page, as a list of sentences; null while some are still to be drawn.
const FIGURES: &str = r#"(() => {
  if (document.readyState !== "complete") return null;
  const figures = [...document.querySelectorAll("figure")];
  if (figures.length === 0) return ["the page has no figure"];
  const drawn = (figure) => figure.querySelector(".chart svg, .chart canvas");
  const failed = (figure) => figure.querySelector(".chart")?.textContent.includes("could not be drawn");
  if (!figures.every((figure) => drawn(figure) || failed(figure))) return null;
  const wrong = [];
  figures.forEach((figure, k) => {
    const name = `figure ${k + 1} (${figure.dataset.name})`;
    if (failed(figure)) return wrong.push(`${name}: ${figure.querySelector(".chart").textContent.trim()}`);
    const { width, height } = drawn(figure).getBoundingClientRect();
    if (width < 100 || height < 50) wrong.push(`${name} is only ${width} x ${height} pixels large`);
    const marks = figure.querySelectorAll(".chart .role-mark path, .chart .role-mark line, .chart .role-mark text");
    if (marks.length === 0) wrong.push(`${name} shows nothing`);
  });
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) wrong.push(`the page is ${root.scrollWidth} pixels wide`);
  return wrong;
})()"#;

/// The stages of `cargo xtask browser`, from its options.
pub(crate) fn stages(options: &[&str]) -> Result<Vec<Stage>, String> {
    let (mut report, mut out) = (None, root().join("target/browser"));
    let mut words = options.iter();
    while let Some(word) = words.next() {
        match *word {
            "--out" => out = words.next().ok_or("--out needs a folder")?.into(),
            option if option.starts_with('-') => return Err(format!("browser has no option {option:?}")),
            path if report.is_none() => report = Some(PathBuf::from(path)),
            more => return Err(format!("browser looks at one report; {more:?} is one too many")),
        }
    }
    let mut stages = Vec::new();
    let report = report.unwrap_or_else(|| {
        let run = out.join("run");
        let folder = run.clone();
        stages.push(Stage::new("report", move || reproduce(&folder)));
        run.join("report.html")
    });
    stages.push(Stage::new("browser", move || look(&report, &out)));
    Ok(stages)
}

/// Reproduces a paper at its quick scale into `folder`. Whether the claims hold is not the matter here.
fn reproduce(folder: &Path) -> Result<Tally, Failure> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|e| Failure::new(format!("{}: {e}", folder.display())))?;
    }
    let mut command =
        cargo(&["run", "--release", "--package", "jostle-cli", "--", "reproduce", "shape-matters"]);
    command.args(["--scale", "quick", "--out"]).arg(folder);
    let reproduced = plainly(&mut command, "see the messages above");
    if folder.join("report.html").exists() { Ok(Tally::default()) } else { reproduced }
}

/// Looks at the report at every width and in both themes, and saves what is seen.
fn look(report: &Path, out: &Path) -> Result<Tally, Failure> {
    let failed = |what: &Path, error: std::io::Error| Failure::new(format!("{}: {error}", what.display()));
    let report = report.canonicalize().map_err(|error| failed(report, error))?;
    let program = chromium()?;
    fs::create_dir_all(out).map_err(|error| failed(out, error))?;
    let profile = out.join(format!("profile-{}", std::process::id()));
    let mut tally = Tally::default();
    let mut browser = Browser::start(&program, &profile)?;
    for width in WIDTHS {
        for theme in THEMES {
            let mut page = browser.open(width, HEIGHT)?;
            page.go(&format!("file://{}#{theme}", report.display()))?;
            let wrong = faults(&mut page, theme)?;
            for (k, picture) in page.pictures(TALLEST_PICTURE)?.iter().enumerate() {
                let part = if k == 0 { String::new() } else { format!("-{}", k + 1) };
                let path = out.join(format!("report-{width}-{theme}{part}.png"));
                fs::write(&path, picture).map_err(|error| failed(&path, error))?;
                println!("   {}", path.display());
            }
            if wrong.is_empty() {
                tally.passed += 1;
            } else {
                tally.failed += 1;
            }
            for fault in wrong {
                let shown: String = fault.chars().take(LONGEST_FAULT).collect();
                println!("   at {width} pixels, {theme}: {shown}");
            }
        }
    }
    drop(browser);
    // A browser may still be writing into its profile; what is left of it harms nobody.
    let _ = fs::remove_dir_all(&profile);
    if tally.failed > 0 {
        return Err(Failure { tally, reason: "the report is not whole".to_owned() });
    }
    Ok(tally)
}

/// What is wrong with a page, once its figures are drawn.
fn faults(page: &mut Page<'_>, theme: &str) -> Result<Vec<String>, Failure> {
    let started = Instant::now();
    let mut wrong: Vec<String> = loop {
        let found = page.evaluate(FIGURES)?;
        if let Some(list) = found.as_array() {
            break list.iter().filter_map(|fault| fault.as_str().map(str::to_owned)).collect();
        }
        let patience = if page.complaints().is_empty() { PATIENCE } else { PATIENCE_AFTER_COMPLAINTS };
        if started.elapsed() > patience {
            break vec!["some figures are not drawn".to_owned()];
        }
        sleep(Duration::from_millis(100));
    };
    if page.evaluate("document.documentElement.dataset.charts")? != theme {
        wrong.push(format!("the figures are not {theme}"));
    }
    wrong.extend(page.complaints());
    Ok(wrong)
}

/// The browser: that of the environment variable CHROMIUM, one that is installed, or one to be installed.
fn chromium() -> Result<PathBuf, Failure> {
    const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let given = env::var_os("CHROMIUM").map(PathBuf::from);
    if let Some(program) = given.or_else(|| NAMES.iter().find_map(|name| installed(name))) {
        return Ok(program);
    }
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    if !is_root || !succeeds(Command::new("apt-get").arg("--version")) {
        return Err(Failure::new(
            "no Chromium was found; install one (Debian, Ubuntu: apt-get install chromium) or name its program in \
             the environment variable CHROMIUM",
        ));
    }
    println!("   installing Chromium");
    // Without a fresh list of packages the version asked for may be gone from the server.
    plainly(Command::new("apt-get").args(["update", "-q"]), "the list of packages cannot be read")?;
    let mut install = Command::new("apt-get");
    install.args(["install", "-q", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"]);
    plainly(install.env("DEBIAN_FRONTEND", "noninteractive"), "install Chromium by hand")?;
    installed("chromium").ok_or_else(|| Failure::new("Chromium was installed, but is not on the PATH"))
}

/// Where on the PATH a program is.
fn installed(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}
