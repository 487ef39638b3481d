//! Files that appear whole or not at all, and folders that are known to take files.

use super::StorageError;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tempfile::TempPath;

/// How the names of files under way end.
pub(super) const UNDER_WAY: &str = ".jostle.tmp";

/// Bytes that are read at a time.
const BLOCK: usize = 1 << 16;

/// A file under way: written beside its final path, and there only once [`AtomicFile::publish`] has succeeded.
///
/// Dropping it unpublished removes what was written and leaves an older file at the path as it was. While it is being
/// written it is locked, which tells it from what a killed process left behind.
#[derive(Debug)]
pub struct AtomicFile {
    file: BufWriter<File>,
    temporary: TempPath,
    path: PathBuf,
    failed: bool,
}

impl AtomicFile {
    /// Begins a file that will appear at `path`.
    ///
    /// # Errors
    /// `path` names no file, or its folder does not take files.
    pub fn create(path: &Path) -> Result<Self, StorageError> {
        let name = path.file_name().ok_or_else(|| StorageError::NoFileName.in_file(path))?;
        let mut prefix = OsString::from(".");
        prefix.push(name);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(UNDER_WAY);
        // Temporary files are private by default; results are for whoever the umask admits.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let temporary = builder
            .tempfile_in(folder_of(path))
            .map_err(without_path)
            .map_err(StorageError::io("create the file"))
            .map_err(|e| e.in_file(path))?;
        let (file, temporary) = temporary.into_parts();
        // Where files cannot be locked, they are written all the same.
        let _ = file.try_lock();
        Ok(Self { file: BufWriter::new(file), temporary, path: path.to_path_buf(), failed: false })
    }

    /// The path at which the file will appear.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Brings everything written so far to the disk, so that nothing but the name is left to be given.
    ///
    /// # Errors
    /// The disk is full or fails.
    pub fn settle(&mut self) -> Result<(), StorageError> {
        let lost = || io::Error::other("an earlier part of it could not be written");
        let settled = if self.failed { Err(lost()) } else { self.file.flush() };
        let settled = settled.and_then(|()| self.file.get_ref().sync_all());
        settled.map_err(StorageError::io("write the file")).map_err(|e| e.in_file(&self.path))
    }

    /// Whether the file at the path has exactly the content that is on the disk for it.
    pub fn repeats(&self) -> bool {
        same_content(&self.temporary, &self.path).unwrap_or(false)
    }

    /// Brings everything to the disk and gives the file its name, replacing an older one in a single step.
    ///
    /// # Errors
    /// The disk is full or fails, or the path is taken by a folder; the path is then as it was before.
    pub fn publish(mut self) -> Result<(), StorageError> {
        self.settle()?;
        let Self { temporary, path, .. } = self;
        let named =
            temporary.persist(&path).map_err(|e| e.error).and_then(|()| sync_folder(folder_of(&path)));
        named.map_err(StorageError::io("write the file")).map_err(|e| e.in_file(&path))
    }
}

impl AtomicFile {
    /// Remembers a refusal: the file can no longer be published.
    fn note<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        self.failed |= result.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::Interrupted);
        result
    }
}

/// After a refusal everything is accepted and thrown away: encoders that complete their file when they are dropped
/// would otherwise complain on standard error about what they have reported already.
impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.failed {
            return Ok(bytes.len());
        }
        let written = self.file.write(bytes);
        self.note(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.failed {
            return Ok(());
        }
        let flushed = self.file.flush();
        self.note(flushed)
    }
}

impl Seek for AtomicFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        if self.failed {
            return self.file.get_mut().seek(position);
        }
        let sought = self.file.seek(position);
        self.note(sought)
    }
}

/// Writes the file at `path` with `write`, such that a reader sees the older file or the whole new one.
///
/// The new content is written beside it, brought to the disk, and renamed.
///
/// # Errors
/// What `write` returns, or a refusal of the operating system; nothing is left behind then.
pub fn write_atomically(
    path: &Path,
    write: impl FnOnce(&mut AtomicFile) -> io::Result<()>,
) -> Result<(), StorageError> {
    let mut file = AtomicFile::create(path)?;
    write(&mut file).map_err(StorageError::io("write the file")).map_err(|e| e.in_file(path))?;
    file.publish()
}

/// Creates the folder `path` with its parents, proves by a nameless file that it can be written to, and removes the
/// unfinished files of writers that were killed.
///
/// # Errors
/// A file is in the way, or the operating system refuses; folders made on the way are removed again.
pub fn prepare_folder(path: &Path) -> Result<(), StorageError> {
    let missing: Vec<&Path> =
        path.ancestors().take_while(|p| !p.as_os_str().is_empty() && !p.exists()).collect();
    let existing = path.ancestors().nth(missing.len());
    if let Some(file) = existing.filter(|p| !p.as_os_str().is_empty() && !p.is_dir()) {
        return Err(StorageError::BelowFile { file: file.to_path_buf() }.in_file(path));
    }
    fs::create_dir_all(path)
        .map_err(StorageError::io("create the folder"))
        .and_then(|()| probe(path).map_err(StorageError::io("write into the folder")))
        .map_err(|error| {
            // Only empty folders go, so nothing of anyone else can be lost.
            for folder in &missing {
                let _ = fs::remove_dir(folder);
            }
            error.in_file(path)
        })?;
    remove_leftovers(path);
    Ok(())
}

/// Removes files under way that nobody holds any more. One that stays does no harm.
fn remove_leftovers(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    for path in entries.filter(|path| path.to_string_lossy().ends_with(UNDER_WAY)) {
        if File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Opens a file for reading.
pub(super) fn open(path: &Path) -> Result<File, StorageError> {
    // Looked at before it is opened: opening a pipe waits for a writer, and a device may never end.
    let kind = fs::metadata(path).map_err(StorageError::io("open the file"))?.file_type();
    if kind.is_dir() {
        return Err(StorageError::Io { action: "open the file", source: io::ErrorKind::IsADirectory.into() });
    }
    if !kind.is_file() {
        return Err(StorageError::NotAFile);
    }
    File::open(path).map_err(StorageError::io("open the file"))
}

fn probe(folder: &Path) -> io::Result<()> {
    let mut file = tempfile::tempfile_in(folder).map_err(without_path)?;
    file.write_all(b"jostle")?;
    file.rewind()?;
    file.read_exact(&mut [0; 6])
}

/// The system's refusal without the random name of the temporary file that it met.
pub(super) fn without_path(error: io::Error) -> io::Error {
    let cause = error.get_ref().and_then(std::error::Error::source);
    let code = cause.and_then(|cause| cause.downcast_ref::<io::Error>()).and_then(io::Error::raw_os_error);
    code.map_or(error, io::Error::from_raw_os_error)
}

/// Whether two files have the same content.
///
/// # Errors
/// A file that cannot be read.
pub fn same_content(a: &Path, b: &Path) -> io::Result<bool> {
    let (a, b) = (File::open(a)?, File::open(b)?);
    if a.metadata()?.len() != b.metadata()?.len() {
        return Ok(false);
    }
    let (mut a, mut b) = (BufReader::with_capacity(BLOCK, a), BufReader::with_capacity(BLOCK, b));
    loop {
        let (left, right) = (a.fill_buf()?, b.fill_buf()?);
        let count = left.len().min(right.len());
        if left[..count] != right[..count] {
            return Ok(false);
        }
        if count == 0 {
            return Ok(left.is_empty() && right.is_empty());
        }
        a.consume(count);
        b.consume(count);
    }
}

/// Whether a path leads to this very file.
#[cfg(unix)]
pub(super) fn same_file(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let same = |a: fs::Metadata, b: fs::Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    file.metadata().is_ok_and(|a| fs::metadata(path).is_ok_and(|b| same(a, b)))
}

#[cfg(not(unix))]
pub(super) fn same_file(_file: &File, path: &Path) -> bool {
    path.exists()
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A rename survives a power cut only once the folder itself is on the disk.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    // A folder may be writable but not readable, and some network file systems cannot sync one; the rename has taken
    // place all the same.
    let Ok(folder) = File::open(folder) else { return Ok(()) };
    match folder.sync_all() {
        Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        result => result,
    }
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
