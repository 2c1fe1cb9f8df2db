//! Official Python clients of the protocols that are spoken here.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A Python with a client and what checks its schemas, kept in the user's cache between runs; none where there is no
/// Python or no package index.
pub fn python(client: &str) -> Option<PathBuf> {
    let home = std::env::var_os("HOME")?;
    let venv = Path::new(&home).join(".cache/gemma-burger").join(format!("{client}-venv"));
    let python = venv.join("bin/python");
    let quiet = |command: &mut Command| {
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    let import = format!("import {client}, jsonschema");
    let ready = |python: &Path| quiet(Command::new(python).args(["-c", &import]));
    if ready(&python) {
        return Some(python);
    }
    let made = quiet(Command::new("python3").args(["-m", "venv"]).arg(&venv))
        && quiet(Command::new(&python).args(["-m", "pip", "install", "--quiet", client, "jsonschema"]));
    (made && ready(&python)).then_some(python)
}
