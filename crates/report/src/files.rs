//! The files of a page: where they stand, and in which order they come and go.
//!
//! Figures and tables come first, the page after them, and what the page has no more goes last: whoever reads a page finds
//! everything that it has. Each file is written beside its place and renamed, and one that has these bytes already is not
//! touched.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use rundir::RunDir;

use crate::document::Page;
use crate::error::{Error, Result};
use crate::figure::Drawn;
use crate::figures;

/// A table beside a page: its name, and its bytes if the page has it.
pub(crate) type Table = (&'static str, Option<Vec<u8>>);

/// The place of a page and of what belongs to it.
pub(crate) struct Place {
    page: PathBuf,
    /// The folder of its figures, its own.
    figures: PathBuf,
    /// The folder of its tables.
    tables: PathBuf,
}

/// Whether a file is a page, or has nothing in it.
fn is_page(path: &Path) -> bool {
    let mut begin = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(15).read_to_end(&mut begin));
    read.is_ok() && (begin.is_empty() || begin.eq_ignore_ascii_case(b"<!doctype html>"))
}

impl Place {
    /// The page of a run directory: all that stands there belongs to it.
    pub(crate) fn of_run(run: &RunDir) -> Self {
        Self { page: run.report_path(), figures: run.path().join("figures"), tables: run.path().to_owned() }
    }

    /// A page anywhere, as [`of_page`](Self::of_page).
    ///
    /// # Errors
    /// [`Error::Taken`] if a file is there that is no page.
    pub(crate) fn of_new_page(page: &Path) -> Result<Self> {
        let is_taken = page.exists() && !(page.is_file() && is_page(page));
        if is_taken { Err(Error::Taken(page.to_owned())) } else { Ok(Self::of_page(page)) }
    }

    /// A page anywhere, whose figures and tables are in a folder that is named after it: `both-figures/` of `both.html`.
    fn of_page(page: &Path) -> Self {
        let is_html = page.extension().is_some_and(|ending| ending == "html");
        let mut name = if is_html { page.file_stem() } else { page.file_name() }.unwrap_or_default().to_owned();
        name.push("-figures");
        let figures = page.with_file_name(name);
        Self { page: page.to_owned(), tables: figures.clone(), figures }
    }

    /// The page's file.
    pub(crate) fn page(&self) -> &Path {
        &self.page
    }

    /// Where a table stands.
    pub(crate) fn table(&self, name: &str) -> PathBuf {
        self.tables.join(name)
    }

    /// Writes the page and all that belongs to it, and removes what it has no more. Returns the figures' files, and true if
    /// any file has changed.
    ///
    /// # Errors
    /// [`Error::Folder`], [`Error::Run`]: the page is the old one then, or the new one.
    pub(crate) fn write(&self, page: &Page, drawn: &[Drawn], tables: &[Table]) -> Result<(Vec<PathBuf>, bool)> {
        make_folder(&self.figures)?;
        sweep(&self.figures);
        let mut changed = false;
        let mut paths = Vec::new();
        for figure in drawn {
            let path = self.figure(figure.name);
            changed |= write_new(&path, figure.svg.standalone().as_bytes())?;
            paths.push(path);
        }
        for (name, bytes) in tables {
            changed |= bytes.as_ref().map_or(Ok(false), |bytes| write_new(&self.table(name), bytes))?;
        }
        changed |= write_page(&self.page, page)?;
        let old_figures = figures::names().filter(|name| drawn.iter().all(|figure| figure.name != *name));
        let old_tables = tables.iter().filter(|(_, bytes)| bytes.is_none());
        let old = old_figures.map(|name| self.figure(name)).chain(old_tables.map(|(name, _)| self.table(name)));
        for path in old {
            changed |= fs::remove_file(path).is_ok();
        }
        Ok((paths, changed))
    }

    fn figure(&self, name: &str) -> PathBuf {
        self.figures.join(format!("{name}.svg"))
    }
}

/// Writes a page, in a folder that is made if it is not there; true if the file has changed.
///
/// # Errors
/// [`Error::Folder`], [`Error::Run`].
pub(crate) fn write_page(path: &Path, page: &Page) -> Result<bool> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(folder)?;
    sweep(folder);
    write_new(path, page.html().as_bytes())
}

fn make_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|source| Error::Folder { path: path.to_owned(), source })
}

/// Removes what killed writers left. A folder that cannot be listed is no reason to write nothing.
fn sweep(folder: &Path) {
    rundir::sweep_folder(folder).ok();
}

/// Writes a file, unless it has these bytes; true if it has changed.
fn write_new(path: &Path, bytes: &[u8]) -> Result<bool> {
    let is_new = !fs::read(path).is_ok_and(|old| old == bytes);
    if is_new {
        rundir::write_atomic(path, bytes)?;
    }
    Ok(is_new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_folder_of_its_own_name() {
        let folder = |page: &str| Place::of_page(Path::new(page)).figures.to_str().unwrap().to_owned();
        assert_eq!(folder("pages/a.html"), "pages/a-figures");
        assert_eq!(folder("a.b.html"), "a.b-figures");
        assert_eq!(folder("a.htm"), "a.htm-figures");
    }
}
