//! The prompt registry: a registered model with a mark, whose versions hold the text in a tag.

use serde::Deserialize;
use serde_json::json;

use super::{API, Mlflow, MlflowError, Pair};

const IS_PROMPT: &str = "mlflow.prompt.is_prompt";
const TEXT: &str = "mlflow.prompt.text";
const KIND: &str = "_mlflow_prompt_type";
/// The server takes no other source for a prompt.
const SOURCE: &str = "prompt-template";

/// A version of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptVersion {
    /// The prompt.
    pub name: String,
    /// Its number.
    pub version: String,
    /// Whether it was made now; else the text was the same.
    pub is_new: bool,
}

#[derive(Deserialize)]
struct Made {
    model_version: Number,
}

#[derive(Deserialize)]
struct Number {
    version: String,
}

impl Mlflow {
    /// Registers a prompt's text under a name of letters, digits, `-`, `_` and `.`: a new version only where the text is
    /// another one than the newest version's. Variables are written `{{name}}`.
    ///
    /// # Errors
    /// See [`MlflowError`].
    pub fn register_prompt(&self, name: &str, text: &str, tags: &[Pair]) -> Result<PromptVersion, MlflowError> {
        let mark = Pair::new(IS_PROMPT, "true");
        self.registered_model(name, std::slice::from_ref(&mark))?;
        let newest = self.versions(&format!("name='{name}' AND tags.`{IS_PROMPT}` = 'true'"))?.into_iter().next();
        if let Some(version) = newest.filter(|version| version.tag(TEXT) == Some(text)) {
            return Ok(PromptVersion { name: name.to_owned(), version: version.version, is_new: false });
        }
        let own = [mark, Pair::new(TEXT, text), Pair::new(KIND, "text")];
        let tags: Vec<&Pair> = own.iter().chain(tags).collect();
        let body = json!({"name": name, "source": SOURCE, "tags": tags});
        let made: Made = self.api.post(&format!("{API}/model-versions/create"), &body)?;
        Ok(PromptVersion { name: name.to_owned(), version: made.model_version.version, is_new: true })
    }
}
