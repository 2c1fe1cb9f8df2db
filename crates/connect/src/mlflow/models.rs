//! Logged models, registered models, their versions and aliases.

use std::{fs, path::Path, str::FromStr};

use serde::Deserialize;
use serde_json::json;
use ureq::http::Method;

use super::{API, Done, Mlflow, MlflowError, Pair, encoded, is_missing, sha256_of};

/// The tag of a version that holds its adapter's hash.
pub const SHA256_TAG: &str = "adapter.sha256";
/// The adapter's file among a model's files.
pub const ADAPTER_FILE: &str = "adapter.gguf";

/// A version of a registered model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ModelVersion {
    /// The registered model.
    pub name: String,
    /// Its number.
    pub version: String,
    /// The run that made it, where there is one.
    #[serde(default)]
    pub run_id: String,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<Pair>,
}

impl ModelVersion {
    /// A tag's value.
    #[must_use]
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.as_str())
    }
}

/// A version to register.
#[derive(Clone, Debug)]
pub struct NewVersion<'a> {
    /// The registered model, which is made where it is missing.
    pub name: &'a str,
    /// The logged model whose files it stands for.
    pub model_id: &'a str,
    /// The run that made it.
    pub run_id: &'a str,
    /// Its tags.
    pub tags: &'a [Pair],
}

/// A version by its alias or number: `NAME@ALIAS` or `NAME/NUMBER`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The registered model.
    pub name: String,
    /// The alias, or the number's digits.
    pub which: String,
    /// Whether it is an alias, which moves.
    pub is_alias: bool,
}

impl FromStr for Reference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parted = text.split_once('@').map(|(name, alias)| (name, alias, true));
        let parted = parted.or_else(|| text.rsplit_once('/').map(|(name, number)| (name, number, false)));
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let plain = |part: &str| part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.chars().all(known);
        match parted {
            Some((name, which, is_alias))
                if plain(name) && plain(which) && (is_alias || which.bytes().all(|b| b.is_ascii_digit())) =>
            {
                Ok(Self { name: name.to_owned(), which: which.to_owned(), is_alias })
            }
            _ => Err(format!("\"{text}\" names no model version; write NAME@ALIAS or NAME/NUMBER")),
        }
    }
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}{}", self.name, if self.is_alias { '@' } else { '/' }, self.which)
    }
}

/// What came of taking a version's adapter to this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was fetched.
    Fetched,
    /// It was there already.
    Kept,
}

/// A logged model.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Logged {
    pub model_id: String,
    pub artifact_uri: String,
}

#[derive(Deserialize)]
struct LoggedAnswer {
    model: LoggedModel,
}

#[derive(Deserialize)]
struct LoggedModel {
    info: Logged,
}

#[derive(Deserialize)]
struct VersionAnswer {
    model_version: ModelVersion,
}

#[derive(Deserialize)]
struct Versions {
    #[serde(default)]
    model_versions: Vec<ModelVersion>,
}

#[derive(Deserialize)]
struct RegisteredAnswer {
    registered_model: Registered,
}

#[derive(Deserialize)]
struct Registered {
    #[serde(default)]
    aliases: Vec<Alias>,
}

#[derive(Deserialize)]
struct Alias {
    alias: String,
    version: String,
}

#[derive(Deserialize)]
struct Place {
    artifact_uri: String,
}

impl Mlflow {
    /// Begins a logged model; it counts once [`Mlflow::finish_model`] has been called.
    pub(super) fn log_model(
        &self,
        experiment: &str,
        run_id: &str,
        name: &str,
        params: &[Pair],
    ) -> Result<Logged, MlflowError> {
        let body = json!({"experiment_id": experiment, "name": name, "model_type": "adapter",
            "source_run_id": run_id, "params": params});
        let answer: LoggedAnswer = self.api.post(&format!("{API}/logged-models"), &body)?;
        Ok(answer.model.info)
    }

    pub(super) fn finish_model(&self, run_id: &str, model_id: &str, step: i64) -> Result<(), MlflowError> {
        let body = json!({"model_id": model_id, "status": "LOGGED_MODEL_READY"});
        let _: serde_json::Value = self.api.ask(&Method::PATCH, &format!("{API}/logged-models/{model_id}"), &body)?;
        let body = json!({"run_id": run_id, "models": [{"model_id": model_id, "step": step}]});
        let _: Done = self.api.post(&format!("{API}/runs/outputs"), &body)?;
        Ok(())
    }

    /// Registers a version, or finds the one that the same logged model has already.
    ///
    /// # Errors
    /// See [`MlflowError`].
    pub fn register(&self, new: &NewVersion<'_>) -> Result<ModelVersion, MlflowError> {
        self.registered_model(new.name, &[])?;
        let tag = Pair::new("model_id", new.model_id);
        let known = self.versions(&format!("name='{}' and run_id='{}'", new.name, new.run_id))?;
        if let Some(version) = known.into_iter().find(|version| version.tags.contains(&tag)) {
            return Ok(version);
        }
        let tags: Vec<&Pair> = new.tags.iter().chain([&tag]).collect();
        let body = json!({"name": new.name, "source": format!("models:/{}", new.model_id), "run_id": new.run_id,
            "model_id": new.model_id, "tags": tags});
        let answer: VersionAnswer = self.api.post(&format!("{API}/model-versions/create"), &body)?;
        Ok(answer.model_version)
    }

    /// Makes a registered model where it is missing.
    pub(super) fn registered_model(&self, name: &str, tags: &[Pair]) -> Result<(), MlflowError> {
        if self.registered(name)?.is_some() {
            return Ok(());
        }
        let body = json!({"name": name, "tags": tags});
        let made: Result<serde_json::Value, _> = self.api.post(&format!("{API}/registered-models/create"), &body);
        match made {
            // Another program may have made it in between.
            Err(error) if self.registered(name)?.is_none() => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The versions that meet a filter of the API's own language, the newest first.
    pub(super) fn versions(&self, filter: &str) -> Result<Vec<ModelVersion>, MlflowError> {
        let path = format!("{API}/model-versions/search?order_by=version_number%20DESC&filter={}", encoded(filter));
        let found: Versions = self.api.get(&path)?;
        Ok(found.model_versions)
    }

    /// The version that a reference stands for; none where there is none.
    ///
    /// # Errors
    /// See [`MlflowError`].
    pub fn find_version(&self, wanted: &Reference) -> Result<Option<ModelVersion>, MlflowError> {
        let number = if wanted.is_alias {
            let aliases = self.registered(&wanted.name)?.map(|model| model.aliases).unwrap_or_default();
            let Some(alias) = aliases.into_iter().find(|alias| alias.alias == wanted.which) else { return Ok(None) };
            alias.version
        } else {
            wanted.which.clone()
        };
        let path = format!("{API}/model-versions/get?name={}&version={}", encoded(&wanted.name), encoded(&number));
        let answer: Result<VersionAnswer, _> = self.api.get(&path);
        match answer {
            Ok(answer) => Ok(Some(answer.model_version)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The same where there must be one.
    ///
    /// # Errors
    /// [`MlflowError::NoVersion`], and all else that may go wrong.
    pub fn version_of(&self, wanted: &Reference) -> Result<ModelVersion, MlflowError> {
        let missing = || MlflowError::NoVersion { model: wanted.name.clone(), alias: wanted.which.clone() };
        self.find_version(wanted)?.ok_or_else(missing)
    }

    /// Moves an alias to a version.
    ///
    /// # Errors
    /// See [`MlflowError`].
    pub fn set_alias(&self, name: &str, alias: &str, version: &str) -> Result<(), MlflowError> {
        let body = json!({"name": name, "alias": alias, "version": version});
        let _: Done = self.api.post(&format!("{API}/registered-models/alias"), &body)?;
        Ok(())
    }

    /// Sets a version's tag.
    ///
    /// # Errors
    /// See [`MlflowError`].
    pub fn tag_version(&self, version: &ModelVersion, tag: &Pair) -> Result<(), MlflowError> {
        let body = json!({"name": version.name, "version": version.version, "key": tag.key, "value": tag.value});
        let _: Done = self.api.post(&format!("{API}/model-versions/set-tag"), &body)?;
        Ok(())
    }

    /// Brings a version's adapter to `folder/adapter.gguf`, unless it is there already; its hash is checked either way.
    ///
    /// # Errors
    /// See [`MlflowError`]; what is not right is not left there.
    pub fn take_adapter(&self, version: &ModelVersion, folder: &Path) -> Result<Taken, MlflowError> {
        let unsigned =
            || MlflowError::Unsigned { model: version.name.clone(), version: version.version.clone(), tag: SHA256_TAG };
        let right = version.tag(SHA256_TAG).ok_or_else(unsigned)?;
        let file = folder.join(ADAPTER_FILE);
        if file.is_file() && sha256_of(&file)? == right {
            return Ok(Taken::Kept);
        }
        fs::create_dir_all(folder).map_err(|error| MlflowError::disk(folder, &error))?;
        let path = format!(
            "{API}/model-versions/get-download-uri?name={}&version={}",
            encoded(&version.name),
            encoded(&version.version)
        );
        let place: Place = self.api.get(&path)?;
        let part = folder.join(format!("{ADAPTER_FILE}.part"));
        let fetched = self.get_file(&place.artifact_uri, ADAPTER_FILE, &part).and_then(|()| {
            if sha256_of(&part)? == right {
                return fs::rename(&part, &file).map_err(|error| MlflowError::disk(&file, &error));
            }
            let (model, version) = (version.name.clone(), version.version.clone());
            Err(MlflowError::Damaged { model, version, file: ADAPTER_FILE })
        });
        if fetched.is_err() {
            let _ = fs::remove_file(&part);
        }
        fetched.map(|()| Taken::Fetched)
    }

    fn registered(&self, name: &str) -> Result<Option<Registered>, MlflowError> {
        let answer: Result<RegisteredAnswer, _> =
            self.api.get(&format!("{API}/registered-models/get?name={}", encoded(name)));
        match answer {
            Ok(answer) => Ok(Some(answer.registered_model)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_reference_is_an_alias_or_a_number() {
        for text in ["gemma-burger@champion", "a.b_c@x", "gemma-burger/12"] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
        }
        for text in ["", "a", "@champion", "a@", "a/b", "a/", "../x@y", "a b@c", "a@b/../c", "a@.", "a/1x"] {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }
}
