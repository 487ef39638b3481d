use super::{ENTRIES, SCHEDULES, Schedule};
use crate::setting::{Settings, Table, Value};

fn schedule(kind: &'static str, settings: &[(&'static str, Value)]) -> Schedule {
    let entry = ENTRIES.iter().find(|entry| entry.kind == kind).unwrap();
    let checked = Settings::check(entry, settings).unwrap();
    Schedule::from_table(&Table::of(&SCHEDULES, entry, checked).unwrap())
}

/// Schedules of every kind, with changes before step 20.
fn all() -> Vec<Schedule> {
    use Value::{Integer, Number, Pairs, Text};
    let warm_up = |initial: f64, shape: &str| {
        let shape = ("shape", Text(shape.to_owned()));
        schedule(
            "warm-up",
            &[("initial", Number(initial)), ("rate", Number(0.1)), ("steps", Integer(7)), shape],
        )
    };
    let cyclic = |period| {
        schedule("cyclic", &[("low", Number(0.1)), ("high", Number(0.5)), ("period", Integer(period))])
    };
    vec![
        Schedule::constant(0.3),
        Schedule::with_drops(0.5, vec![(3, 0.5), (5, 4.0)]).unwrap(),
        warm_up(0.01, "linear"),
        warm_up(0.01, "exponential"),
        warm_up(0.1, "exponential"),
        warm_up(3.0, "linear"),
        schedule("cosine", &[("initial", Number(0.2)), ("steps", Integer(9))]),
        schedule("cosine", &[("initial", Number(0.2)), ("final", Number(0.3)), ("steps", Integer(1))]),
        cyclic(5),
        cyclic(6),
        schedule("list", &[("rates", Pairs(vec![(0, 0.4), (2, 0.3), (11, 0.2)]))]),
    ]
}

#[test]
fn every_kind_is_tested_here() {
    for entry in ENTRIES {
        assert!(all().iter().any(|schedule| schedule.kind() == entry.kind), "{}", entry.kind);
    }
}

#[test]
fn the_sum_is_that_of_every_step() {
    for schedule in all() {
        for steps in 0..40 {
            let sum: f64 = (0..steps).map(|step| schedule.at(step)).sum();
            assert!((schedule.sum(steps) - sum).abs() <= 1e-13 * (1.0 + sum), "{schedule} {steps}");
        }
    }
}

#[test]
fn what_is_said_of_a_schedule_holds_at_every_step() {
    for schedule in all() {
        let mut known_until = schedule.next_change(0);
        for step in 1..40 {
            let (before, rate) = (schedule.at(step - 1), schedule.at(step));
            if known_until.is_none_or(|until| step < until) {
                assert_eq!(rate, before, "{schedule} {step}");
            } else {
                known_until = schedule.next_change(step);
            }
            assert!(rate <= schedule.largest(), "{schedule} {step}");
            assert!(!schedule.never_grows() || rate <= before, "{schedule} {step}");
        }
        assert!(!schedule.is_constant() || schedule.is_piecewise_constant());
    }
}

#[test]
fn a_multiple_has_multiples_of_all_rates() {
    for schedule in all() {
        let double = schedule.times(2.0);
        assert!((0..40).all(|step| double.at(step) == 2.0 * schedule.at(step)), "{schedule}");
        assert_ne!(double, schedule);
    }
}

#[test]
fn a_schedule_is_what_its_table_says() {
    for schedule in all() {
        assert_eq!(Schedule::from_table(&schedule.table()), schedule);
    }
    let shown = |schedule: &Schedule| schedule.to_string();
    let all = all();
    assert_eq!(shown(&all[0]), "0.3");
    assert_eq!(shown(&all[1]), "{ initial = 0.5, drops = [[3, 0.5], [5, 4.0]] }");
    assert_eq!(
        shown(&all[2]),
        "{ kind = \"warm-up\", initial = 0.01, rate = 0.1, steps = 7, shape = \"linear\" }"
    );
}

#[test]
fn each_drop_multiplies_the_rate_from_its_step_on() {
    let schedule = Schedule::with_drops(0.01, vec![(100, 0.1), (200, 0.5)]).unwrap();
    assert_eq!(schedule.at(99), 0.01);
    assert_eq!(schedule.at(100), 0.01 * 0.1);
    assert_eq!(schedule.at(200), 0.01 * 0.1 * 0.5);
    assert_eq!(schedule.next_change(0), Some(100));
    assert_eq!(schedule.next_change(100), Some(200));
    assert_eq!(schedule.next_change(200), None);
}

#[test]
fn rates_are_those_of_the_formulas() {
    let all = all();
    let cosine = &all[6];
    assert_eq!((cosine.at(0), cosine.at(9)), (0.2, 0.0));
    assert!((cosine.at(3) - 0.15).abs() < 1e-15 && (cosine.at(6) - 0.05).abs() < 1e-15);
    let cyclic = &all[9];
    assert_eq!((cyclic.at(6), cyclic.at(9)), (0.1, 0.5));
    assert!((cyclic.at(7) - cyclic.at(11)).abs() < 1e-15);
    // Equal ratios.
    let (a, b, c) = (all[3].at(1), all[3].at(2), all[3].at(3));
    assert!((b / a - c / b).abs() < 1e-14);
}

#[test]
fn rates_must_be_positive_and_steps_increase() {
    assert!(Schedule::with_drops(0.1, vec![(5, 0.1), (5, 0.1)]).is_err());
    assert!(Schedule::with_drops(0.1, vec![(5, 0.0)]).is_err());
    assert!(Schedule::with_drops(-0.1, vec![]).is_err());
    let list = |rates: &[(u64, f64)]| {
        let entry = ENTRIES.iter().find(|entry| entry.kind == "list").unwrap();
        let settings = Settings::check(entry, &[("rates", Value::Pairs(rates.to_vec()))]).unwrap();
        Table::of(&SCHEDULES, entry, settings).unwrap_err().to_string()
    };
    assert_eq!(list(&[]), "rates is empty; expected a rate from step 0 on");
    assert_eq!(list(&[(1, 0.1)]), "rates begins at step 1; expected step 0");
    assert_eq!(list(&[(0, 0.1), (0, 0.2)]), "rates goes from step 0 to step 0; expected increasing steps");
    assert_eq!(list(&[(0, -0.1)]), "rates has the rate -0.1 at step 0; expected a number above 0");
}
