//! `jostle reproduce`.

use crate::args::{Output, ReproduceOptions, Scale};
use crate::check::duration;
use crate::progress::Bar;
use crate::{Ending, print};
use jostle_lab::claim::claims_table;
use jostle_lab::experiment::Overrides;
use jostle_lab::paper::{PAPERS, PaperOutcome, Reproduction, find, reproduce as run_paper};
use jostle_lab::run::LabError;
use std::path::PathBuf;

/// Reproduces a paper, or lists the papers.
pub(crate) fn reproduce(options: &ReproduceOptions, output: &Output) -> Result<Ending, LabError> {
    let Some(name) = &options.paper else {
        return list(output);
    };
    let paper = find(name)?;
    let reproduction = Reproduction {
        paper,
        networks: options.with_networks.then(|| paper.with_networks()).transpose()?,
        scale: options.scale.name(),
        overrides: Overrides {
            scale: None,
            set: options.set.clone(),
            replicas: options.replicas,
            seed: options.seed,
            data: options.data.folder(),
        },
        threads: options.threads.map(usize::from),
    };
    let out = options.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(name));
    let claims = match run_paper(&reproduction, &out, options.force, &Bar::new(output))? {
        PaperOutcome::Done(claims) => claims,
        PaperOutcome::Interrupted(is_kept) => {
            let remains = if is_kept { "the finished experiments are in" } else { "nothing has changed in" };
            crate::say(&format!("interrupted; {remains} {}\n", out.display()));
            return Ok(Ending::Interrupted);
        }
    };
    let holds = claims.iter().all(|claim| claim.holds);
    let report = out.join("report.html");
    if output.json {
        let json = serde_json::json!({ "run": out, "report": report, "holds": holds, "claims": claims });
        print(&format!("{json:#}\n"));
    } else if !output.quiet {
        let width = terminal_width();
        print(&format!(
            "{}, scale {}\n\n{}\nReport: {}\n",
            reproduction.paper.title,
            reproduction.scale,
            claims_table(&claims, width),
            report.display()
        ));
    }
    Ok(if holds { Ending::Done } else { Ending::ClaimFailed })
}

/// The width of the terminal, or 100 columns in a pipe.
fn terminal_width() -> usize {
    console::Term::stdout().size_checked().map_or(100, |(_, columns)| usize::from(columns))
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
                networks: None,
                scale: scale.name(),
                overrides: Overrides::default(),
                threads: None,
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
        paper.figures.iter().for_each(|title| text += &format!("    {title}\n"));
        text += "  claims\n";
        paper.claims.iter().for_each(|(id, statement)| text += &format!("    {id}  {statement}\n"));
        text += &format!("\n  jostle reproduce {}\n", paper.name);
        if let Some(networks) = paper.networks {
            text += "  with --with-networks, for some minutes more, also\n";
            networks.claims.iter().for_each(|(id, statement)| text += &format!("    {id}  {statement}\n"));
        }
        entries.push(serde_json::json!({
            "paper": paper.name,
            "title": paper.title,
            "reference": paper.reference,
            "seconds": times.into_iter().map(|(name, s)| (name.to_owned(), s.into())).collect::<serde_json::Map<_, _>>(),
            "figures": paper.figures,
            "claims": paper.claims.iter().map(|(id, statement)| serde_json::json!({ "id": id, "statement": statement }))
                .collect::<Vec<_>>(),
        }));
    }
    if output.json {
        print(&format!("{:#}\n", serde_json::Value::Array(entries)));
    } else if !output.quiet {
        print(&text);
    }
    Ok(Ending::Done)
}
