//! The tools from outside, by the protocol's official Python client.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use crate::{cli::program, python::python};

#[test]
fn the_official_client_lists_and_calls_every_tool_over_both_transports() {
    let Some(python) = python("mcp") else {
        // Without a package index there is no client to test with; the tools themselves are tested elsewhere.
        return;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let data = tempfile::tempdir().unwrap();
    let output = Command::new(python)
        .arg(root.join("scripts/mcp_check.py"))
        .arg(env!("CARGO_BIN_EXE_gemma-burger"))
        .arg("--data-dir")
        .arg(data.path())
        .arg("--resources-dir")
        .arg(root.join("resources"))
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{err}");
    let told: serde_json::Value = serde_json::from_str(out.lines().last().unwrap_or_default()).unwrap();
    assert_eq!(told["tools"], 12, "{out}");
}

#[test]
fn a_guests_token_that_is_not_ours_is_refused() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let data = tempfile::tempdir().unwrap();
    let output = program(&["mcp", "--guest", "0123.456.789"])
        .arg("--data-dir")
        .arg(data.path())
        .arg("--resources-dir")
        .arg(root.join("resources"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("token is not valid"));
}
