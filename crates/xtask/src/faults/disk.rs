//! Disks that are full, folders that are none, and outputs that nobody reads.

use super::bench::Bench;
use super::samples::{NETWORK, SWEEP};
use std::process::{Command, Stdio};

/// Results that stand half-written, or files under way that are left over.
fn is_whole(bench: &Bench, folder: &str) -> bool {
    let names: Vec<String> =
        bench.files(folder).keys().filter_map(|path| path.file_name()?.to_str().map(str::to_owned)).collect();
    let is_there = |name: &str| names.iter().any(|known| known == name);
    let left_over = names.iter().any(|name| name.ends_with(".jostle.tmp") || name == ".jostle.lock");
    !left_over && is_there("metrics.parquet") == is_there("final.npz")
}

pub(super) fn limited_files(bench: &mut Bench, tries: usize) {
    bench.write("sweep.toml", SWEEP.replace("20_000", "200"));
    bench.write("network.toml", NETWORK);
    for k in 0..tries {
        bench.remove("out");
        let (blocks, file) = (bench.below(60), *bench.one(&["sweep.toml", "network.toml"]));
        let over = k % 3 == 0;
        if over {
            bench.call(&["run", file, "--out", "out", "-q"]);
        }
        let before = bench.read("out/metrics.parquet");
        let mut command = bench.under(
            &format!("trap '' XFSZ; ulimit -f {blocks}"),
            &["run", file, "--out", "out", "--seed", "0"],
        );
        // What the shell writes is under the limit, too.
        let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output();
        bench.tried += 1;
        let Ok(output) = output else { continue };
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let code = output.status.code();
        bench.expect(
            code == Some(0) || code == Some(2) && said.lines().count() == 1 && said.starts_with("error: "),
            &format!("with files of {blocks} blocks: {code:?}: {said}"),
        );
        let whole = is_whole(bench, "out");
        bench.expect(whole, &format!("files of {blocks} blocks leave half a run"));
        let kept = !over || bench.read("out/metrics.parquet") == before;
        bench.expect(kept, &format!("files of {blocks} blocks cost finished results"));
    }
}

pub(super) fn small_file_system(bench: &mut Bench, tries: usize) {
    bench.write("sweep.toml", SWEEP.replace("20_000", "200"));
    for _ in 0..tries {
        let kibibytes = 4 + bench.below(800);
        let script = format!(
            "mkdir -p disk && mount -t tmpfs -o size={kibibytes}k none disk && {{ \"$0\" run sweep.toml --out disk/out; \
             code=$?; find disk -name '*.tmp' -o -name '.jostle.lock' | grep -q . && code=99; exit $code; }} || exit $?"
        );
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "bash", "-c"]);
        let Some(binary) = bench.command(&[]).get_args().nth(2).map(std::ffi::OsStr::to_owned) else {
            return;
        };
        command.arg(script).arg(binary).current_dir(bench.path(""));
        let Ok(output) = command.stdin(Stdio::null()).output() else {
            return bench.skip("unshare is not installed");
        };
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !said.starts_with("error: ") && output.status.code() != Some(0) && output.status.code() != Some(99)
        {
            return bench.skip(&format!("no file system can be mounted here: {}", said.trim()));
        }
        bench.tried += 1;
        let code = output.status.code();
        bench.expect(
            code == Some(0) || code == Some(2) && said.lines().count() == 1,
            &format!("a file system of {kibibytes} KiB: {code:?}: {said}"),
        );
    }
}

pub(super) fn odd_folders(bench: &mut Bench, tries: usize) {
    bench.write("x.toml", SWEEP.replace("20_000", "50"));
    bench.write("plain", "a file");
    bench.write("taken/metrics.parquet/inside", "a folder in the place of a result");
    bench.write("foreign/final.npz", "mine");
    let _ = Command::new("bash")
        .args(["-c", "mkfifo fifo; ln -s nowhere dangling; ln -s loop loop; mkdir real; ln -s real link; mkdir shut; chmod 555 shut"])
        .current_dir(bench.path(""))
        .status();
    let (long, longer, longest) = ("n".repeat(255), "n".repeat(256), format!("{}x", "d/".repeat(2200)));
    // Each with whether a run may succeed.
    let folders: [(&str, Option<bool>); 24] = [
        ("plain", Some(false)),
        ("plain/below", Some(false)),
        ("fifo", Some(false)),
        ("/dev/null", Some(false)),
        ("/dev/full/x", Some(false)),
        ("/proc/jostle", Some(false)),
        ("/sys/x", Some(false)),
        ("loop", Some(false)),
        ("dangling/x", None),
        ("link", Some(true)),
        ("taken", Some(false)),
        ("foreign", Some(false)),
        ("shut", None),
        ("shut/x", None),
        (&long, Some(true)),
        (&longer, Some(false)),
        (&longest, Some(false)),
        ("with space", Some(true)),
        ("line\nbreak", Some(true)),
        ("-dash", Some(false)),
        ("./a/../b", None),
        ("a/b/c/d", Some(true)),
        ("\u{fc}ml\u{e4}ut \u{1f980}", Some(true)),
        ("", None),
    ];
    for (folder, may) in folders.iter().take(tries) {
        let out = format!("--out={folder}");
        let ended = bench.call(&["run", "x.toml", if *folder == "-dash" { "--out" } else { &out }, "-q"]);
        if let Some(may) = may {
            bench.expect(
                (ended.code == Some(0)) == *may,
                &format!("--out {folder:?} ends with {:?}", ended.code),
            );
        }
    }
    let kept = bench.read("foreign/final.npz") == b"mine" && bench.read("plain") == b"a file";
    bench.expect(kept, "files of others were touched");
}

pub(super) fn closed_outputs(bench: &mut Bench, tries: usize) {
    bench.write("x.toml", SWEEP.replace("20_000", "50"));
    let forms = [
        ("\"$0\" run x.toml --out a | head -1", 0),
        ("\"$0\" check x.toml | true; exit ${PIPESTATUS[0]}", 0),
        ("\"$0\" run x.toml --out a >&-", 2),
        ("\"$0\" run x.toml --out a 2>&-", 0),
        ("\"$0\" run x.toml --out a <&-", 0),
        ("\"$0\" check x.toml > /dev/full", 2),
        ("\"$0\" check x.toml --json > /dev/full", 2),
        ("\"$0\" --help > /dev/full", 2),
        ("\"$0\" --version > /dev/full", 2),
        ("\"$0\" check nothing.toml 2> /dev/full", 2),
    ];
    for (form, expected) in forms.iter().cycle().take(tries) {
        let mut command = bench.command(&[]);
        let Some(binary) = command.get_args().nth(2).map(std::ffi::OsStr::to_owned) else { return };
        command = Command::new("bash");
        command.args(["-c", form]).arg(binary).current_dir(bench.path("")).stdin(Stdio::null());
        bench.tried += 1;
        let Ok(output) = command.output() else { continue };
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // A closed output may be told or not.
        let code = output.status.code();
        let fits = code == Some(*expected) || form.contains(">&-") && code == Some(0);
        bench.expect(fits && !said.contains("panicked"), &format!("{form}: {code:?}: {said}"));
    }
}
