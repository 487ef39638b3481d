//! The device that an experiment asks for.

use crate::lab::Lab;

const EXPERIMENT: &str = r#"name = "digits"
[problem]
kind = "images"
samples = 30
classes = [0, 1, 2]

[model]
kind = "mlp"
widths = [6, 5]

[dynamics]
kind = "gradient-descent"
steps = 40
learning_rate = 0.05
batch = 5

[observe]
at = { every = 20 }

[ensemble]
replicas = 2
precision = "f32"
device = "wgpu"
"#;

/// The answer to the experiment with these settings, without the place in the file.
fn answer(settings: &[&str]) -> String {
    let set = settings.iter().flat_map(|setting| ["--set", setting]);
    let arguments: Vec<&str> = ["run", "x.toml", "--out", "out"].into_iter().chain(set).collect();
    Lab::with(EXPERIMENT).refuses(&arguments)
}

#[test]
fn only_networks_of_layers_in_float32_are_trained_on_a_device() {
    assert_eq!(
        answer(&["ensemble.device=\"gpu\""]),
        r#"--set ensemble.device: ensemble.device is "gpu"; did you mean "cpu"?"#
    );
    assert_eq!(
        answer(&["ensemble.precision=\"f64\""]),
        r#"x.toml:23:10: ensemble.device is "wgpu", which needs precision = "f32"; found "f64""#
    );
    assert_eq!(
        answer(&["start.linearise=true"]),
        r#"x.toml:23:10: ensemble.device is "wgpu"; expected "cpu" where the model is linearised"#
    );
    let other = EXPERIMENT.replacen("kind = \"mlp\"\nwidths = [6, 5]", "kind = \"two-layer\"\nwidth = 4", 1);
    assert_eq!(
        Lab::with(&other).refuses(&["check", "x.toml"]),
        r#"x.toml:23:10: ensemble.device is "wgpu"; expected "cpu" with model.kind = "two-layer""#
    );
}

#[cfg(not(feature = "wgpu"))]
#[test]
fn a_device_that_was_not_built_in_is_refused_with_the_way_to_it() {
    assert_eq!(
        answer(&[]),
        "x.toml:23:10: ensemble.device is \"wgpu\", but this jostle was built without the feature \"wgpu\"; expected \
         \"cpu\", or a jostle built by `cargo build --release --features wgpu`"
    );
}

const AUTO: &str = "ensemble.device=\"auto\"";

/// Whatever the build and the machine have: what cannot be trained elsewhere is trained on the processor. What was chosen
/// is written out, so that the run can be repeated.
#[test]
fn a_choice_that_is_left_to_the_program_is_never_refused_and_written_out() {
    let run = |device: &str, setting: &str| {
        let lab = Lab::with(EXPERIMENT);
        let ended = lab.jostle(&["run", "x.toml", "--out", "out", "--set", device, "--set", setting]);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(!lab.read("out/manifest.json").contains("devices"));
        (lab.read("out/experiment.toml"), std::fs::read(lab.path("out/metrics.parquet")).unwrap())
    };
    let differ = "grid.ensemble.precision=[\"f32\", \"f64\"]";
    for setting in ["ensemble.precision=\"f64\"", "start.linearise=true", differ] {
        assert!(run(AUTO, setting) == run("ensemble.device=\"cpu\"", setting), "{setting}");
    }
}

#[cfg(not(any(feature = "wgpu", feature = "cuda")))]
#[test]
fn without_a_graphics_processor_the_choice_is_the_processor() {
    let checked = Lab::with(EXPERIMENT).succeeds(&["check", "x.toml", "--set", AUTO]);
    assert!(checked.contains("\ndevice = \"cpu\"\n") && !checked.contains("auto"), "{checked}");
}

/// A run of another machine can be looked at on one without its device.
#[test]
fn a_report_needs_no_device() {
    let lab = Lab::with(EXPERIMENT);
    lab.succeeds(&["run", "x.toml", "--out", "out", "--set", "ensemble.device=\"cpu\""]);
    let resolved = lab.read("out/experiment.toml");
    assert!(resolved.contains("device = \"cpu\""), "{resolved}");
    lab.write("out/experiment.toml", resolved.replace("device = \"cpu\"", "device = \"cuda\""));
    lab.succeeds(&["report", "out"]);
    let checkpoint = "out/checkpoints/cell0-replica0.safetensors";
    lab.succeeds(&["measure", checkpoint, "--experiment", "out/experiment.toml"]);
}

#[cfg(feature = "wgpu")]
mod by_wgpu {
    use super::*;
    use crate::lab::Ended;
    use jostle_files::read_parquet;
    use serde_json::Value;

    /// As [`Lab::succeeds`], but drivers without a card may have something to say on standard error.
    fn succeeds(lab: &Lab, arguments: &[&str]) -> String {
        let Ended { code, stdout, stderr } = lab.jostle(arguments);
        assert_eq!(code, Some(0), "{stderr}");
        stdout
    }

    fn losses(lab: &Lab, run: &str) -> Vec<f64> {
        let table = read_parquet(&lab.path(&format!("{run}/metrics.parquet"))).unwrap();
        table.numbers("train_loss").unwrap().to_vec()
    }

    #[test]
    fn a_run_on_a_device_says_so_and_follows_that_on_the_processor() {
        let lab = Lab::with(EXPERIMENT);
        let device: Value = serde_json::from_str(&succeeds(&lab, &["check", "x.toml", "--json"])).unwrap();
        let name = device["devices"][0].as_str().unwrap().to_owned();
        assert!(name.starts_with("wgpu, "), "{name}");
        let automatic: Value =
            serde_json::from_str(&succeeds(&lab, &["check", "x.toml", "--json", "--set", AUTO])).unwrap();
        assert_eq!(
            (&automatic["devices"], &automatic["experiment"]),
            (&device["devices"], &device["experiment"])
        );
        let checked = succeeds(&lab, &["check", "x.toml"]);
        assert!(checked.contains(&format!("# device: {name} (the time is that of the processor alone)\n")));
        succeeds(&lab, &["run", "x.toml", "--out", "device"]);
        succeeds(&lab, &["run", "x.toml", "--out", "cpu", "--set", "ensemble.device=\"cpu\""]);
        let manifest: Value = serde_json::from_str(&lab.read("device/manifest.json")).unwrap();
        assert_eq!(manifest["machine"]["devices"], device["devices"]);
        assert!(!lab.read("cpu/manifest.json").contains("devices"));
        assert!(lab.read("device/experiment.toml").contains("device = \"wgpu\""));
        assert!(lab.read("device/report.html").contains(&name));
        let (found, expected) = (losses(&lab, "device"), losses(&lab, "cpu"));
        // The start is the same, and measured in float64 on the processor.
        assert_eq!(found[0], expected[0]);
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found / expected - 1.0).abs() < 1e-4, "{found} {expected}");
        }
    }
}
