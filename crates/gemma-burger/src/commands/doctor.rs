//! `gemma-burger doctor`: what this machine has, what it lacks and how to get it.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
};

use serde::Serialize;

use crate::{
    cli::{Failure, print},
    config::{ALL, Config, Flags, Sources},
};

/// Tells what is present on this machine, what is missing and how to get it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  gemma-burger doctor --json")]
pub struct Args {
    /// Prints JSON for programs.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    flags: Flags<ALL>,
}

/// How a part of the machine was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// Good.
    Ok,
    /// The product runs without it, or makes it by itself.
    Optional,
    /// The product cannot be built or run without it.
    Missing,
}

#[derive(Debug, Serialize)]
struct Finding {
    name: &'static str,
    state: State,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl Finding {
    fn ok(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, state: State::Ok, detail: detail.into(), hint: None }
    }

    fn lacking(name: &'static str, state: State, detail: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { name, state, detail: detail.into(), hint: Some(hint.into()) }
    }
}

impl Args {
    /// Looks at everything and prints what it finds; fails where something is missing.
    pub fn run(self) -> Result<(), Failure> {
        let config = Config::resolve(&Sources::of_process(self.flags)?)?;
        let findings = look(&config);
        let missing: Vec<_> =
            findings.iter().filter(|finding| finding.state == State::Missing).map(|finding| finding.name).collect();
        print(&if self.json { json(&findings)? } else { text(&findings) })?;
        if missing.is_empty() { Ok(()) } else { Err(Failure::new(format!("missing: {}", missing.join(", ")))) }
    }
}

fn json(findings: &[Finding]) -> Result<String, Failure> {
    serde_json::to_string_pretty(findings).map(|text| text + "\n").map_err(Failure::new)
}

fn text(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let sign = match finding.state {
            State::Ok => "ok      ",
            State::Optional => "optional",
            State::Missing => "MISSING ",
        };
        text.push_str(&format!("{sign}  {:<16} {}\n", finding.name, finding.detail));
        if let Some(hint) = &finding.hint {
            text.push_str(&format!("{:26} {hint}\n", ""));
        }
    }
    text
}

fn look(config: &Config) -> Vec<Finding> {
    let tool = |name, command: &[&str], state, package: &str, formula: &str| match output(command) {
        Some(line) => Finding::ok(name, line),
        None => {
            Finding::lacking(name, state, format!("`{}` does not run", command.join(" ")), install(package, formula))
        }
    };
    vec![
        tool("rust", &["rustc", "--version"], State::Missing, "rustup", "rustup"),
        tool("cmake", &["cmake", "--version"], State::Missing, "cmake", "cmake"),
        tool("clang", &["clang", "--version"], State::Missing, "clang", "llvm"),
        libclang(),
        tool("python", &["python3", "--version"], State::Missing, "python3", "python"),
        tool("pip", &["python3", "-m", "pip", "--version"], State::Missing, "python3-pip", "python"),
        processor(),
        memory(),
        models(config),
        resources(config),
        knowledge(config),
        port("port", config.network.port, "PORT"),
        chromium(),
    ]
}

/// The line by which a package is got on this system.
fn install(package: &str, formula: &str) -> String {
    if package == "rustup" {
        return "install it from https://rustup.rs".into();
    }
    if cfg!(target_os = "macos") { format!("brew install {formula}") } else { format!("apt-get install {package}") }
}

/// The first line that a command prints, if it runs.
fn output(command: &[&str]) -> Option<String> {
    let (program, arguments) = command.split_first()?;
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().next().map(|line| line.trim().to_owned())
}

/// The library through which the engine's bindings are generated at build time.
fn libclang() -> Finding {
    let named = std::env::var_os("LIBCLANG_PATH").map(PathBuf::from);
    let folders = [
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/usr/lib64",
        "/usr/lib",
        "/opt/homebrew/opt/llvm/lib",
        "/Library/Developer/CommandLineTools/usr/lib",
    ];
    let versioned = fs::read_dir("/usr/lib").into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let versioned = versioned
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("llvm-")))
        .map(|path| path.join("lib"));
    let all = named.into_iter().chain(folders.map(PathBuf::from)).chain(versioned);
    match all.flat_map(|folder| libraries(&folder)).next() {
        Some(path) => Finding::ok("libclang", path.display().to_string()),
        None => Finding::lacking(
            "libclang",
            State::Missing,
            "no libclang library was found",
            install("libclang-dev", "llvm"),
        ),
    }
}

fn libraries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    entries
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libclang")))
        .filter(|path| path.is_file())
        .collect()
}

/// The vector units that the kernels can use, and whether this binary was built for them.
fn processor() -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let built = if cfg!(target_feature = "avx512f") {
        "AVX-512"
    } else if cfg!(target_feature = "avx2") {
        "AVX2"
    } else if cfg!(target_feature = "neon") {
        "NEON"
    } else {
        "no vector units"
    };
    let detail = format!("{cores} cores; this program was built for {built}");
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && !cfg!(target_feature = "avx2") {
        return Finding::lacking(
            "processor",
            State::Optional,
            detail,
            "build with RUSTFLAGS=\"-C target-cpu=native\": replies come several times faster",
        );
    }
    Finding::ok("processor", detail)
}

/// Memory that a process can still have; the whole product needs less than 1 GB.
fn memory() -> Finding {
    let Ok(text) = fs::read_to_string("/proc/meminfo") else {
        return Finding::ok("memory", "not known on this system");
    };
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0);
    let detail = format!("{} MB available", kilobytes / 1024);
    if kilobytes >= 1024 * 1024 {
        Finding::ok("memory", detail)
    } else {
        Finding::lacking(
            "memory",
            State::Optional,
            detail,
            "1024 MB are advisable: close something, or choose a smaller model or context",
        )
    }
}

fn models(config: &Config) -> Finding {
    let Ok(cache) = super::model::cache(config) else {
        return Finding::lacking("models", State::Optional, "no folder to keep them in", "set GEMMA_BURGER_CACHE");
    };
    let kept = cache.list().unwrap_or_default();
    if kept.is_empty() {
        let detail = format!("none in {}", cache.root().display());
        return Finding::lacking("models", State::Optional, detail, "gemma-burger model fetch");
    }
    let kept: Vec<_> = kept.iter().map(|model| format!("{} ({} MB)", model.model, model.size / 1_000_000)).collect();
    Finding::ok("models", format!("{} in {}", kept.join(", "), cache.root().display()))
}

/// A path's last part.
fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn resources(config: &Config) -> Finding {
    let folder = &config.files.resources_dir;
    let absent: Vec<_> =
        ["menu.json", "store_info.json", "personas"].into_iter().filter(|name| !folder.join(name).exists()).collect();
    if absent.is_empty() {
        Finding::ok("resources", folder.display().to_string())
    } else {
        let detail = format!("{} lacks {}", folder.display(), absent.join(", "));
        Finding::lacking("resources", State::Missing, detail, "start in the checkout's folder, or set RESOURCES_DIR")
    }
}

/// Whether anything was ingested: the database is there once it was.
fn knowledge(config: &Config) -> Finding {
    let folder = &config.files.data_dir;
    let databases = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let mut found: Vec<_> = databases
        .filter(|path| path.extension().is_some_and(|end| end == "db" || end == "sqlite" || end == "sqlite3"))
        .map(|path| name(&path))
        .collect();
    found.sort();
    if found.is_empty() {
        Finding::lacking(
            "knowledge",
            State::Optional,
            format!("nothing in {} yet", folder.display()),
            "gemma-burger ingest",
        )
    } else {
        Finding::ok("knowledge", format!("{} in {}", found.join(", "), folder.display()))
    }
}

fn port(name: &'static str, port: u16, variable: &str) -> Finding {
    match TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => Finding::ok(name, format!("{port} is free")),
        Err(error) => Finding::lacking(
            name,
            State::Optional,
            format!("{port}: {error}"),
            format!("stop what holds it, or set {variable}"),
        ),
    }
}

/// Only the tests need a browser.
fn chromium() -> Finding {
    let found = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find_map(|program| output(&[program, "--version"]));
    match found {
        Some(line) => Finding::ok("browser", line),
        None => Finding::lacking(
            "browser",
            State::Optional,
            "no chromium; only the tests need it",
            install("chromium chromium-driver", "chromium"),
        ),
    }
}
