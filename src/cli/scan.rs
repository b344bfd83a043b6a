//! `cofferdam scan`: looks for leaks in what was captured.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{
    Exit, Failure, Terminal,
    arguments::ScanArgs,
    capture, judge,
    report::{self, Judged},
};
use crate::config::Environment;

/// The largest file that is read, in bytes. It is held whole.
const MAX_FILE: u64 = 256 << 20;

pub(super) fn run(args: &ScanArgs, environment: Environment, terminal: &mut Terminal<'_>) -> Result<Exit, Failure> {
    let engine = judge::engine(args.files.load(environment)?)?;
    let mut judged = Vec::new();
    let unread = visit(&args.paths, terminal, &mut |name, content| {
        for capture in capture::read(name, content) {
            let name = capture.name.clone();
            judged.push(Judged { name, outcome: judge::judge(&engine, capture) });
        }
    })?;
    report::print(args.format, &judged, terminal.out)?;
    Ok(exit(unread, judged.iter().any(Judged::is_finding)))
}

/// Like grep: what could not be read makes the result unsure, and weighs more than what was found.
fn exit(unread: usize, found: bool) -> Exit {
    match (unread, found) {
        (0, false) => Exit::Ok,
        (0, true) => Exit::Findings,
        _ => Exit::Usage,
    }
}

/// Calls `then` with the name and content of every file, in order; gives the number of those that could not be read.
fn visit(paths: &[PathBuf], terminal: &mut Terminal<'_>, then: &mut dyn FnMut(&str, &[u8])) -> Result<usize, Failure> {
    let mut unread = 0;
    for path in paths {
        let standard_input = path == Path::new("-");
        let files = if standard_input { vec![path.clone()] } else { files(path) };
        for file in files {
            let content = if standard_input { read_bounded(terminal.input) } else { read_file(&file) };
            match content {
                Ok(content) => then(&file.display().to_string(), &content),
                Err(error) => {
                    unread += 1;
                    writeln!(terminal.err, "note: cannot read {}: {error}", file.display())?;
                }
            }
        }
    }
    Ok(unread)
}

/// The files at and below `path`, in the order of their names. Links within a directory are not followed, so that
/// there is an end.
fn files(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(path) else { return vec![path.to_owned()] };
    let mut entries: Vec<_> = entries.flatten().filter(|entry| !is_link(entry)).map(|entry| entry.path()).collect();
    entries.sort();
    entries.iter().flat_map(|entry| files(entry)).collect()
}

fn is_link(entry: &fs::DirEntry) -> bool {
    entry.file_type().is_ok_and(|kind| kind.is_symlink())
}

/// The one file that a command is about, or standard input for `-`; its name and content.
pub(super) fn read_one(path: &Path, terminal: &mut Terminal<'_>) -> Result<(String, Vec<u8>), Failure> {
    let content = if path == Path::new("-") { read_bounded(terminal.input) } else { read_file(path) };
    let name = path.display().to_string();
    match content {
        Ok(content) => Ok((name, content)),
        Err(error) => {
            let hint = "name a captured response, or - for standard input".to_owned();
            Err(Failure::Usage(format!("cannot read the file: {error}"), name, hint))
        }
    }
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    read_bounded(&mut fs::File::open(path)?)
}

fn read_bounded(input: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    input.take(MAX_FILE + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("larger than {} MiB", MAX_FILE >> 20)));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_read_in_order_and_the_unreadable_is_counted() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("b")).unwrap();
        for name in ["c", "a", "b/d"] {
            fs::write(at(name), name).unwrap();
        }
        std::os::unix::fs::symlink(directory.path(), at("b/loop")).unwrap();
        let (mut out, mut err, mut seen) = (Vec::new(), Vec::new(), Vec::new());
        let mut terminal = Terminal { input: &mut &b"in"[..], out: &mut out, err: &mut err };
        let paths = [directory.path().to_owned(), "-".into(), at("missing")];
        let unread = visit(&paths, &mut terminal, &mut |_, content| seen.push(content.to_vec())).unwrap();
        assert_eq!(seen, [&b"a"[..], b"b/d", b"c", b"in"]);
        assert_eq!(unread, 1);
        assert!(String::from_utf8(err).unwrap().contains("missing"));
    }

    #[test]
    fn what_could_not_be_read_weighs_more_than_what_was_found() {
        assert_eq!([exit(0, false), exit(0, true), exit(1, true), exit(1, false)], {
            [Exit::Ok, Exit::Findings, Exit::Usage, Exit::Usage]
        });
    }
}
