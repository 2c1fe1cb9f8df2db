//! A reply in its situation: what a judge reads of it, whoever said it.

use concierge::{intent::AgentName, prompt::Personas};
use connect::judge::{Case, Said};
use serde::{Deserialize, Serialize};

/// A guest's words, what was to be said to them, and what was said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// Who replies: `rosy` or `gordon`.
    pub agent: AgentName,
    /// What was said before, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said_before: Vec<Said>,
    pub guest: String,
    /// What the reply was to do.
    pub task: String,
    /// All that was known.
    pub facts: Vec<String>,
    /// What the guest reads.
    pub reply: String,
}

impl Exchange {
    /// With the speaker's name and manner, as the judge reads it.
    pub fn for_judge(&self, personas: &Personas) -> Case {
        let persona = personas.of(self.agent);
        let Self { said_before, guest, task, facts, reply, .. } = self.clone();
        Case {
            speaker: format!("{}, the {}", persona.name, persona.role),
            manner: persona.manner.clone(),
            said_before,
            guest,
            task,
            facts,
            reply,
        }
    }
}
