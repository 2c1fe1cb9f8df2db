//! What the model is told, for a registry of prompts: each persona, and the form of a turn's message.

use concierge::{brief::Fact, intent::AgentName, prompt, turn::World};
use connect::mlflow::{Mlflow, MlflowError, Pair, PromptVersion};

use super::manner::AGENTS;

/// Registers them as `MODEL.rosy`, `MODEL.gordon` and `MODEL.turn`: a new version only of what has changed.
///
/// # Errors
/// See [`MlflowError`].
pub fn register(mlflow: &Mlflow, world: &World, model: &str) -> Result<Vec<PromptVersion>, MlflowError> {
    let persona = |agent: AgentName| {
        let persona = world.personas.of(agent);
        let tags = [Pair::new("name", &persona.name), Pair::new("temperature", persona.temperature.to_string())];
        mlflow.register_prompt(&format!("{model}.{agent}"), persona.prompt.trim(), &tags)
    };
    let mut versions = AGENTS.into_iter().map(persona).collect::<Result<Vec<_>, _>>()?;
    versions.push(mlflow.register_prompt(&format!("{model}.turn"), &form(), &[])?);
    Ok(versions)
}

/// A turn's message with its variables, written by the code that writes the real ones.
fn form() -> String {
    let facts = Fact { text: "{{facts}}".to_owned(), item: None };
    prompt::user_message(std::iter::once(&facts), "{{instruction}}", "{{guest}}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_form_is_that_of_real_messages() {
        assert_eq!(super::form(), "Facts:\n- {{facts}}\nNow: {{instruction}}\nGuest: {{guest}}");
    }
}
