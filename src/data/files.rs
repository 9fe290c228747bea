//! Writing so that no reader ever sees half a file: into a temporary file beside the target, then a rename.

use std::io::{self, Write};
use std::path::Path;

use tempfile::Builder;

/// Refuses a file that [`write_whole`] could not write, before the work that would be lost; leaves nothing behind.
pub fn check_file(path: &Path) -> io::Result<()> {
    Builder::new().tempfile_in(folder_of(path)?).map(drop)
}

/// Refuses a folder that [`write_folder`] could not write, before the work that would be lost; leaves nothing behind.
pub fn check_folder(folder: &Path) -> io::Result<()> {
    let existing = folder.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("."));
    Builder::new().tempfile_in(existing).map(drop)
}

/// The folder that a file goes into.
fn folder_of(path: &Path) -> io::Result<&Path> {
    if path.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a directory"));
    }
    Ok(path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))
}

/// Writes `bytes` to `path`, all or nothing.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path)?;
    let mut builder = Builder::new();
    // The default would hide the result from everyone but its owner.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Writes several files into `folder`, which is made where it does not exist. All are complete before the first takes its
/// place.
pub fn write_folder(folder: &Path, files: &[(&str, Vec<u8>)]) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let staging = Builder::new().prefix(".prescribe-").tempdir_in(folder)?;
    for (name, bytes) in files {
        write_whole(&staging.path().join(name), bytes)?;
    }
    for (name, _) in files {
        std::fs::rename(staging.path().join(name), folder.join(name))?;
    }
    Ok(())
}
