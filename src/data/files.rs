//! Writing so that no reader ever sees half a file: into a temporary file beside the target, then a rename.

use std::io::{self, Write};
use std::path::Path;

use tempfile::Builder;

/// Writes `bytes` to `path`, all or nothing.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a directory"));
    }
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
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
