//! `jostle reproduce`.

use crate::args::{Output, ReproduceOptions, Scale};
use crate::check::duration;
use crate::output::{Ending, say};
use crate::progress::Bar;
use jostle_lab::LabError;
use jostle_lab::experiment::Overrides;
use jostle_lab::plan::Resources;
use jostle_papers::{
    ClaimEntry, PAPERS, PaperOutcome, Reproduction, check_networks, find, reproduce as run_paper,
};
use jostle_report::claim::{RULE, claims_table};
use std::path::PathBuf;

/// Reproduces a paper, or lists the papers.
pub(crate) fn reproduce(options: &ReproduceOptions, output: &Output) -> Result<Ending, LabError> {
    let Some(name) = &options.paper else {
        return list(output);
    };
    let paper = find(name)?;
    if options.with_networks {
        check_networks(paper)?;
    }
    let reproduction = Reproduction {
        paper,
        with_networks: options.with_networks,
        scale: options.scale.name(),
        overrides: Overrides {
            scale: None,
            set: options.set.clone(),
            replicas: options.replicas,
            seed: options.seed,
            data: options.data.folder(),
        },
        resources: options.threads.resources(),
    };
    let out = options.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(name));
    let claims = match run_paper(&reproduction, &out, options.force, &Bar::new(output))? {
        PaperOutcome::Done(claims) => claims,
        PaperOutcome::Interrupted(is_kept) => {
            let remains = if is_kept { "the finished experiments are in" } else { "nothing has changed in" };
            say(&format!("interrupted; {remains} {}\n", out.display()));
            return Ok(Ending::Interrupted);
        }
    };
    let holds = claims.iter().all(|claim| claim.holds);
    let report = out.join("report.html");
    let json = || {
        serde_json::json!({
            "run": out, "report": report, "holds": holds, "rule": RULE, "remarks": paper.remarks(&claims), "claims": claims,
        })
    };
    let text = || {
        format!(
            "{}, scale {}\n\n{}\nReport: {}\n",
            reproduction.paper.title,
            reproduction.scale,
            claims_table(&claims, &paper.remarks(&claims), terminal_width()),
            report.display()
        )
    };
    output.result(json, text);
    Ok(if holds { Ending::Done } else { Ending::ClaimFailed })
}

/// The width of the terminal, or 100 columns in a pipe.
fn terminal_width() -> usize {
    console::Term::stdout().size_checked().map_or(100, |(_, columns)| usize::from(columns))
}

/// A claim in the list of papers.
fn listed(claim: &ClaimEntry) -> String {
    format!("    {}  {}{}\n", claim.id, claim.statement, claim.source.remark())
}

/// A claim in the list of papers, in JSON.
fn in_json(claim: &ClaimEntry) -> serde_json::Value {
    serde_json::json!({ "id": claim.id, "statement": claim.statement, "source": claim.source })
}

/// Lists the papers with their figures and claims, and the time that each scale takes.
fn list(output: &Output) -> Result<Ending, LabError> {
    let mut entries = Vec::new();
    let mut text = String::new();
    for paper in PAPERS {
        let mut times = Vec::new();
        for scale in [Scale::Quick, Scale::Standard, Scale::Paper] {
            let reproduction = Reproduction {
                paper,
                with_networks: false,
                scale: scale.name(),
                overrides: Overrides::default(),
                resources: Resources::with_threads(None),
            };
            times.push((scale.name(), reproduction.seconds()?));
        }
        let shown: Vec<_> =
            times.iter().map(|(name, seconds)| format!("{name} {}", duration(*seconds))).collect();
        text += &format!(
            "{}  {}\n  {}\n  about: {}\n\n",
            paper.name,
            paper.title,
            paper.reference,
            shown.join(", ")
        );
        text += "  figures\n";
        let (with_networks, without): (Vec<&ClaimEntry>, Vec<&ClaimEntry>) =
            paper.claims.iter().partition(|claim| paper.needs_networks(claim.needs));
        let figures = paper.figures.iter().filter(|figure| !paper.needs_networks(figure.needs));
        let figures: Vec<&str> = figures.map(|figure| figure.title).collect();
        text.extend(figures.iter().map(|title| format!("    {title}\n")));
        text += "  claims\n";
        text.extend(without.iter().map(|claim| listed(claim)));
        text += &format!("\n  jostle reproduce {}\n", paper.name);
        if !with_networks.is_empty() {
            text += "  with --with-networks, for some minutes more, also\n";
            text.extend(with_networks.iter().map(|claim| listed(claim)));
        }
        let failures = paper.failures.iter();
        failures.for_each(|known| {
            text += &format!(
                "  known to fail: {} on {} ({}); see {}\n",
                known.id, known.place, known.numbers, paper.page
            );
        });
        entries.push(serde_json::json!({
            "paper": paper.name,
            "title": paper.title,
            "reference": paper.reference,
            "seconds": times.into_iter().map(|(name, s)| (name.to_owned(), s.into())).collect::<serde_json::Map<_, _>>(),
            "figures": figures,
            "claims": without.into_iter().map(in_json).collect::<Vec<_>>(),
            "claims_with_networks": with_networks.into_iter().map(in_json).collect::<Vec<_>>(),
            "known_failures": paper.failures.iter().map(|known| serde_json::json!({
                "id": known.id, "place": known.place, "numbers": known.numbers, "page": paper.page,
            })).collect::<Vec<_>>(),
        }));
    }
    output.result(|| serde_json::Value::Array(entries), || text);
    Ok(Ending::Done)
}
