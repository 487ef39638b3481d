//! Files appear whole or not at all.

use super::super::{AtomicFile, prepare_folder, write_atomically};
use super::{assert_says, file, folder, names_in};
use std::io::{self, Write};
use std::path::Path;

#[test]
fn a_file_appears_only_when_it_is_complete() {
    let folder = folder();
    let path = folder.path().join("claims.json");
    std::fs::write(&path, "old").unwrap();
    write_atomically(&path, |out| {
        out.write_all(b"new ")?;
        out.flush()?;
        assert_eq!(std::fs::read(&path)?, b"old");
        out.write_all(b"content")
    })
    .unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"new content");
    assert_eq!(names_in(&folder), ["claims.json"]);
}

#[test]
fn a_failed_write_leaves_the_old_file_and_nothing_else() {
    let (folder, path) = file("manifest.json", "old");
    let result = write_atomically(&path, |out| {
        out.write_all(&vec![0; 1 << 20])?;
        Err(io::Error::other("no more ideas"))
    });
    assert_says(result, &["manifest.json: cannot write the file: no more ideas"]);
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert_eq!(names_in(&folder), ["manifest.json"]);
}

#[test]
fn a_path_taken_by_a_folder_is_an_error_that_leaves_nothing() {
    let folder = folder();
    let path = folder.path().join("taken");
    std::fs::create_dir(&path).unwrap();
    assert_says(write_atomically(&path, |out| out.write_all(b"x")), &["taken: cannot write the file"]);
    assert_eq!(names_in(&folder), ["taken"]);
}

#[test]
fn writers_at_once_never_show_a_mixture() {
    let folder = folder();
    let path = folder.path().join("shared.bin");
    std::fs::write(&path, vec![0; 100_000]).unwrap();
    std::thread::scope(|scope| {
        for byte in 1..4_u8 {
            let path = &path;
            scope.spawn(move || {
                for _ in 0..10 {
                    write_atomically(path, |out| (0..100_000).try_for_each(|_| out.write_all(&[byte])))
                        .unwrap();
                }
            });
        }
        for _ in 0..100 {
            let seen = std::fs::read(&path).unwrap();
            assert_eq!(seen.len(), 100_000);
            assert!(seen.iter().all(|byte| *byte == seen[0]));
        }
    });
    assert_eq!(names_in(&folder), ["shared.bin"]);
}

#[cfg(unix)]
#[test]
fn others_may_read_the_results_if_the_umask_allows() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, plain) = file("plain", "");
    let (_other, ours) = file("ours", "");
    write_atomically(&ours, |out| out.write_all(b"x")).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&ours), mode(&plain));
}

#[test]
fn an_unfinished_file_vanishes_when_dropped() {
    let folder = folder();
    let mut file = AtomicFile::create(&folder.path().join("a")).unwrap();
    file.write_all(b"x").unwrap();
    assert_eq!(names_in(&folder).len(), 1);
    drop(file);
    assert!(names_in(&folder).is_empty());
}

#[test]
fn what_killed_writers_left_goes_and_what_is_being_written_stays() {
    let folder = folder();
    let mut file = AtomicFile::create(&folder.path().join("a")).unwrap();
    for name in [".b123456.jostle.tmp", ".b123456.tmp", "b"] {
        std::fs::write(folder.path().join(name), "half").unwrap();
    }
    prepare_folder(folder.path()).unwrap();
    file.write_all(b"x").unwrap();
    file.publish().unwrap();
    assert_eq!(names_in(&folder), [".b123456.tmp", "a", "b"]);
}

#[test]
fn paths_that_cannot_be_files_are_refused() {
    assert_says(write_atomically(Path::new("/"), |_| Ok(())), &["/: is not the path of a file"]);
    let (_folder, path) = file("plain", "");
    assert_says(write_atomically(&path.join("below"), |_| Ok(())), &["below: cannot create the file"]);
}

#[test]
fn a_run_folder_is_made_with_its_parents_and_left_empty() {
    let folder = folder();
    let run = folder.path().join("runs/label-noise");
    prepare_folder(&run).unwrap();
    prepare_folder(&run).unwrap();
    assert_eq!(std::fs::read_dir(&run).unwrap().count(), 0);
}

#[test]
fn a_run_folder_in_the_place_of_a_file_or_below_it_is_refused() {
    let (folder, path) = file("plain", "content");
    assert_says(prepare_folder(&path), &["plain: cannot be a folder, because", "plain is a file"]);
    assert_says(
        prepare_folder(&path.join("a/b")),
        &["plain/a/b: cannot be a folder, because", "plain is a file"],
    );
    assert_eq!(std::fs::read(&path).unwrap(), b"content");
    assert_eq!(names_in(&folder), ["plain"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_folder_that_the_system_refuses_is_an_error() {
    assert_says(
        prepare_folder(Path::new("/proc/jostle/run")),
        &["/proc/jostle/run: cannot create the folder"],
    );
    assert_says(prepare_folder(Path::new("/proc")), &["/proc: cannot write into the folder"]);
}
