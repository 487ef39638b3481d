//! A folder in which one process at a time works.
//!
//! The holder's file in the folder says who it is, is locked by the operating system, and is written again every few
//! seconds. The system gives the lock back when the holder ends, however it ends. Where a lock is not seen, as on some
//! file systems that machines share, a holder that has been silent for long counts as gone.

use super::StorageError;
use super::atomic::{UNDER_WAY, same_file, without_path};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::NamedTempFile;

/// The file that says who works in a folder.
const NAME: &str = ".jostle.lock";
/// How often the holder gives a sign of life.
const BEAT: Duration = Duration::from_secs(10);
/// How long a holder may be silent where its lock is not seen.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often others may take and leave the lock between two looks at it.
const TRIES: usize = 20;

/// Who works in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Holder {
    /// The machine.
    host: String,
    /// The number of the process on it.
    process: u32,
    /// Seconds since 1970.
    since: u64,
    /// Tells two holders apart that are alike in everything else.
    token: u64,
}

impl Holder {
    fn here() -> Self {
        Self {
            host: sysinfo::System::host_name().unwrap_or_default(),
            process: std::process::id(),
            since: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()),
            token: RandomState::new().build_hasher().finish(),
        }
    }

    fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }
}

/// The right to write into a folder, held until it is dropped or the process ends.
#[derive(Debug)]
pub struct FolderLock {
    folder: PathBuf,
    holder: Holder,
    /// Keeps the system's lock.
    _file: File,
    pulse: Option<Pulse>,
}

impl FolderLock {
    /// Takes the lock of a folder.
    ///
    /// # Errors
    /// Another process has it, or the folder does not take files.
    pub fn take(folder: &Path) -> Result<Self, StorageError> {
        let refuse = |error| StorageError::io("write into the folder")(error).in_file(folder);
        let (path, holder) = (folder.join(NAME), Holder::here());
        let mut seen = None;
        for _ in 0..TRIES {
            let offer = offer(folder, &holder).map_err(without_path).map_err(refuse)?;
            let now = offer.as_file().metadata().and_then(|data| data.modified()).map_err(refuse)?;
            match name(offer, &path, &holder) {
                Ok(file) => {
                    let pulse = file.try_clone().ok().and_then(|file| Pulse::start(file, &holder));
                    return Ok(Self { folder: folder.to_path_buf(), holder, _file: file, pulse });
                }
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(refuse(error)),
                Err(_) => {}
            }
            seen = Holder::read(&path);
            make_way(&path, &holder, now).map_err(|()| in_use(seen.as_ref()).in_file(folder))?;
        }
        Err(in_use(seen.as_ref()).in_file(folder))
    }

    /// Makes sure that the folder is still ours: a process that was silent for too long may have lost it.
    ///
    /// # Errors
    /// Another process works there now, or the folder is gone.
    pub fn check(&self) -> Result<(), StorageError> {
        match Holder::read(&self.folder.join(NAME)) {
            Some(holder) if holder == self.holder => Ok(()),
            Some(other) => Err(in_use(Some(&other)).in_file(&self.folder)),
            None => {
                let lost = io::Error::other(format!("its file {NAME} was removed while jostle was at work"));
                Err(StorageError::io("write into the folder")(lost).in_file(&self.folder))
            }
        }
    }
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        self.pulse = None;
        if self.check().is_ok() {
            let _ = fs::remove_file(self.folder.join(NAME));
        }
    }
}

/// The holder's file, locked and with its content, under a name of its own.
fn offer(folder: &Path, holder: &Holder) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(NAME).suffix(UNDER_WAY);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut offer = builder.tempfile_in(folder)?;
    let _ = offer.as_file().try_lock();
    serde_json::to_writer(&mut offer, holder)?;
    offer.flush()?;
    Ok(offer)
}

/// Gives the holder's file its name, if nothing has it.
fn name(offer: NamedTempFile, path: &Path, holder: &Holder) -> io::Result<File> {
    let error = match offer.persist_noclobber(path) {
        Ok(file) => return Ok(file),
        Err(error) => error.error,
    };
    if error.kind() == io::ErrorKind::AlreadyExists {
        return Err(error);
    }
    // Not every file system can give a second name to a file, or refuse one that is taken.
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
    let _ = file.try_lock();
    serde_json::to_writer(&mut file, holder)?;
    Ok(file)
}

/// Removes the file of a holder that is gone; `now` is what the folder's file system calls now.
fn make_way(path: &Path, here: &Holder, now: SystemTime) -> Result<(), ()> {
    let opened = OpenOptions::new().read(true).write(true).open(path).or_else(|_| File::open(path));
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(_) => return Err(()),
    };
    let silent = || {
        let beat = file.metadata().and_then(|data| data.modified());
        beat.is_ok_and(|beat| now.duration_since(beat).is_ok_and(|silence| silence > PATIENCE))
    };
    let is_gone = match file.try_lock() {
        Err(TryLockError::WouldBlock) => false,
        Ok(()) if Holder::read(path).is_some_and(|holder| holder.host == here.host) => true,
        // The lock of a process on another machine may not be seen here.
        _ => silent(),
    };
    if !is_gone {
        return Err(());
    }
    // Of all who see that the holder is gone, one has the lock of its file; the file may have been replaced before.
    if same_file(&file, path) {
        let _ = fs::remove_file(path);
    }
    Ok(())
}

fn in_use(holder: Option<&Holder>) -> StorageError {
    let holder = holder.map_or_else(
        || "another process".to_owned(),
        |holder| format!("process {} on {} since {}", holder.process, holder.host, utc(holder.since)),
    );
    StorageError::InUse { holder }
}

/// Signs of life of a holder, until it is dropped.
#[derive(Debug)]
struct Pulse {
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Pulse {
    fn start(mut file: File, holder: &Holder) -> Option<Self> {
        let content = serde_json::to_vec(holder).ok()?;
        let (stop, stopped) = mpsc::channel::<()>();
        let beat = move || {
            while stopped.recv_timeout(BEAT) == Err(RecvTimeoutError::Timeout) {
                let _ = file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&content));
            }
        };
        let thread = thread::Builder::new().name("jostle-lock".to_owned()).spawn(beat).ok()?;
        Some(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Seconds since 1970 as a date and time.
fn utc(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years begin in March, so that leap days come last; 400 years have 146,097 days.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC", 400 * era + year + next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    /// Leaves the file of a holder that is gone.
    fn leave(folder: &Path, holder: &Holder, silence: Duration) {
        let file = File::create(folder.join(NAME)).unwrap();
        serde_json::to_writer(&file, holder).unwrap();
        file.set_modified(SystemTime::now() - silence).unwrap();
    }

    fn elsewhere() -> Holder {
        Holder { host: "node-17".to_owned(), process: 4242, since: 1_796_083_200, token: 1 }
    }

    fn refusal(folder: &Path) -> String {
        FolderLock::take(folder).unwrap_err().problem().to_string()
    }

    #[test]
    fn a_second_process_is_told_who_works_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let lock = FolderLock::take(folder.path()).unwrap();
        let said = refusal(folder.path());
        let start = format!("is in use by process {} on {} since 20", std::process::id(), lock.holder.host);
        assert!(said.starts_with(&start), "{said}");
        assert!(said.ends_with(" UTC; wait for its end, or choose another folder"), "{said}");
        lock.check().unwrap();
        drop(lock);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left");
        FolderLock::take(folder.path()).unwrap();
    }

    #[test]
    fn a_process_of_this_machine_that_died_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        leave(folder.path(), &Holder { token: 5, ..Holder::here() }, Duration::ZERO);
        FolderLock::take(folder.path()).unwrap().check().unwrap();
    }

    #[test]
    fn a_process_of_another_machine_holds_the_folder_as_long_as_it_gives_signs_of_life() {
        let folder = tempfile::tempdir().unwrap();
        leave(folder.path(), &elsewhere(), PATIENCE / 2);
        let said = "is in use by process 4242 on node-17 since 2026-12-01 00:00:00 UTC; wait for its end, or choose \
                    another folder";
        assert_eq!(refusal(folder.path()), said);
        leave(folder.path(), &elsewhere(), 2 * PATIENCE);
        FolderLock::take(folder.path()).unwrap();
    }

    #[test]
    fn a_file_that_names_nobody_is_respected_while_it_is_young() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(NAME), "no holder").unwrap();
        assert_eq!(
            refusal(folder.path()),
            "is in use by another process; wait for its end, or choose another folder"
        );
        let file = File::options().write(true).open(folder.path().join(NAME)).unwrap();
        file.set_modified(SystemTime::now() - 2 * PATIENCE).unwrap();
        FolderLock::take(folder.path()).unwrap();
    }

    #[test]
    fn who_has_lost_the_folder_is_told_and_removes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let lock = FolderLock::take(folder.path()).unwrap();
        leave(folder.path(), &elsewhere(), Duration::ZERO);
        let said = lock.check().unwrap_err().problem().to_string();
        assert!(said.starts_with("is in use by process 4242 on node-17"), "{said}");
        drop(lock);
        assert_eq!(Holder::read(&folder.path().join(NAME)), Some(elsewhere()));
        let lost = FolderLock::take(folder.path());
        assert!(lost.is_err(), "{lost:?}");
    }

    #[test]
    fn of_many_who_find_a_dead_holder_one_takes_its_place() {
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            leave(folder.path(), &Holder { token: 5, ..Holder::here() }, Duration::ZERO);
            let (begin, end) = (Barrier::new(6), Barrier::new(6));
            let taken = thread::scope(|scope| {
                let take = || {
                    begin.wait();
                    let lock = FolderLock::take(folder.path());
                    end.wait();
                    lock.is_ok()
                };
                let threads: Vec<_> = (0..6).map(|_| scope.spawn(take)).collect();
                threads.into_iter().map(|t| t.join().unwrap()).filter(|taken| *taken).count()
            });
            assert_eq!(taken, 1);
        }
    }

    #[test]
    fn seconds_are_dates() {
        assert_eq!(utc(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(951_827_696), "2000-02-29 12:34:56 UTC");
        assert_eq!(utc(1_798_761_599), "2026-12-31 23:59:59 UTC");
        assert_eq!(utc(4_107_542_400), "2100-03-01 00:00:00 UTC");
    }
}
