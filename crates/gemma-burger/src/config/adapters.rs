//! Which adapter each of the staff begins with.

use concierge::intent::AgentName;

use super::allowed::Allowed;

/// What an agent speaks with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AdapterChoice {
    /// The adapter that ships for the model, where there is one.
    #[default]
    Shipped,
    /// The model as it is.
    Off,
    /// An adapter's name, its GGUF file, the folder that holds one, or `mlflow:` and a version of a registered model.
    Named(String),
}

/// The choice for each agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adapters {
    rosy: AdapterChoice,
    gordon: AdapterChoice,
}

impl Adapters {
    /// The model as it is, for both.
    #[must_use]
    pub const fn off() -> Self {
        Self { rosy: AdapterChoice::Off, gordon: AdapterChoice::Off }
    }

    /// An agent's.
    #[must_use]
    pub const fn of(&self, agent: AgentName) -> &AdapterChoice {
        match agent {
            AgentName::Rosy => &self.rosy,
            AgentName::Gordon => &self.gordon,
        }
    }
}

impl Adapters {
    /// The same with each choice turned into another one.
    ///
    /// # Errors
    /// The first that cannot be.
    pub fn resolved<E>(&self, turn: impl Fn(&AdapterChoice) -> Result<AdapterChoice, E>) -> Result<Self, E> {
        Ok(Self { rosy: turn(&self.rosy)?, gordon: turn(&self.gordon)? })
    }
}

/// One adapter for both, or `rosy=…,gordon=…`.
pub struct ByAgent;

impl Allowed for ByAgent {
    type Value = Adapters;

    fn describe(&self) -> String {
        "a name, a file, a folder or `off`; for one agent, `rosy=…`, and both, `rosy=…,gordon=…`".into()
    }

    fn parse(&self, text: &str) -> Option<Adapters> {
        let choice = |text: &str| match text.trim() {
            "" => None,
            "off" => Some(AdapterChoice::Off),
            named => Some(AdapterChoice::Named(named.to_owned())),
        };
        let agents = [AgentName::Rosy, AgentName::Gordon];
        let of_one = |text: &str| agents.iter().any(|agent| text.trim().starts_with(&format!("{agent}=")));
        if !text.split(',').any(of_one) {
            let both = choice(text)?;
            return Some(Adapters { rosy: both.clone(), gordon: both });
        }
        let mut adapters = Adapters::default();
        for part in text.split(',') {
            let (agent, named) = part.trim().split_once('=')?;
            match agent {
                "rosy" => adapters.rosy = choice(named)?,
                "gordon" => adapters.gordon = choice(named)?,
                _ => return None,
            }
        }
        Some(adapters)
    }

    fn absent(&self) -> Option<Adapters> {
        Some(Adapters::default())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]
    use super::*;

    #[test]
    fn one_for_both_or_one_each() {
        let named = |name: &str| AdapterChoice::Named(name.into());
        for (text, rosy, gordon) in [
            ("off", AdapterChoice::Off, AdapterChoice::Off),
            ("mine", named("mine"), named("mine")),
            ("./a=b/c.gguf", named("./a=b/c.gguf"), named("./a=b/c.gguf")),
            ("rosy=a", named("a"), AdapterChoice::Shipped),
            ("gordon=off", AdapterChoice::Shipped, AdapterChoice::Off),
            ("rosy=a, gordon=b", named("a"), named("b")),
        ] {
            assert_eq!(ByAgent.parse(text), Some(Adapters { rosy, gordon }), "{text}");
        }
        for wrong in ["rosy=", "rosy=a,ana=b", "rosy=a,b", " "] {
            assert_eq!(ByAgent.parse(wrong), None, "{wrong}");
        }
    }
}
