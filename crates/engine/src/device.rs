//! The computation itself: a context of llama.cpp, behind what the scheduler needs of it.

use std::{collections::HashMap, path::PathBuf, time::SystemTime};

use concierge::intent::AgentName;
use llama_cpp_2::{
    context::LlamaContext,
    llama_batch::LlamaBatch,
    model::{LlamaLoraAdapter, LlamaModel},
    token::LlamaToken,
};

use crate::kv::Cells;

/// One token to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub token: i32,
    /// Its place in its sequence.
    pub position: usize,
    pub sequence: i32,
    /// Whether the scores of the token that follows are wanted.
    pub scores: bool,
}

/// What computes. The scheduler is tested against another one than llama.cpp, which fails when told to.
pub(crate) trait Device: Cells {
    /// Computes rows of any number of sequences together. After a failure nothing is sure about their state.
    fn decode(&mut self, rows: &[Row]) -> Result<(), String>;
    /// The scores of the last decode's row, one for each token of the vocabulary.
    fn scores(&self, row: usize) -> &[f32];
    /// An agent whose adapter is the same file as this agent's: the same one for all that share it, so that they can
    /// be computed together.
    fn voice_of(&self, agent: AgentName) -> AgentName;
    /// Which adapter the next rows are computed with.
    fn set_adapter(&mut self, adapter: Option<AgentName>) -> Result<(), String>;
    /// Whether a token ends a turn.
    fn is_end(&self, token: i32) -> bool;
    /// Appends a token's bytes.
    fn piece(&self, token: i32, bytes: &mut Vec<u8>);
}

/// An agent's adapter.
pub(crate) struct Voice {
    pub adapter: LlamaLoraAdapter,
    pub file: FileStamp,
}

/// Which file something was read from: path, length and time of its last change.
pub(crate) type FileStamp = (PathBuf, u64, Option<SystemTime>);

/// llama.cpp.
pub(crate) struct LlamaDevice<'a> {
    pub model: &'a LlamaModel,
    pub context: LlamaContext<'a>,
    pub adapters: &'a mut HashMap<AgentName, Voice>,
    pub batch: LlamaBatch<'static>,
}

impl Cells for LlamaDevice<'_> {
    fn share(&mut self, from: i32, to: i32, length: usize) {
        let end = u32::try_from(length).ok();
        if let Err(error) = self.context.kv_cache_seq_cp(from, to, Some(0), end) {
            tracing::error!(%error, "a beginning could not be shared");
        }
    }

    fn truncate(&mut self, sequence: i32, length: usize) {
        let start = u32::try_from(length).ok();
        if let Err(error) = self.context.kv_cache_seq_rm(sequence, start, None) {
            tracing::error!(%error, "a sequence could not be cut");
        }
    }

    fn first_whole(&self, sequence: i32) -> usize {
        usize::try_from(self.context.kv_cache_seq_pos_min(sequence)).unwrap_or(0)
    }
}

impl Device for LlamaDevice<'_> {
    fn decode(&mut self, rows: &[Row]) -> Result<(), String> {
        self.batch.clear();
        for row in rows {
            let position = i32::try_from(row.position).map_err(|error| error.to_string())?;
            self.batch
                .add(LlamaToken(row.token), position, &[row.sequence], row.scores)
                .map_err(|error| error.to_string())?;
        }
        self.context.decode(&mut self.batch).map_err(|error| error.to_string())
    }

    fn scores(&self, row: usize) -> &[f32] {
        i32::try_from(row).map_or(&[], |row| self.context.get_logits_ith(row))
    }

    fn voice_of(&self, agent: AgentName) -> AgentName {
        let Some(own) = self.adapters.get(&agent) else { return agent };
        let same = self.adapters.iter().filter(|(_, voice)| voice.file == own.file).map(|(other, _)| *other);
        same.min().unwrap_or(agent)
    }

    fn set_adapter(&mut self, adapter: Option<AgentName>) -> Result<(), String> {
        match adapter {
            Some(agent) => {
                let voice = self.adapters.get_mut(&agent).ok_or_else(|| format!("{agent} has no adapter"))?;
                self.context.lora_adapter_set(&mut voice.adapter, 1.0).map_err(|error| error.to_string())
            }
            // The binding clears all adapters, whichever it is given; without any there is nothing to clear.
            None => match self.adapters.values_mut().next() {
                Some(any) => self.context.lora_adapter_remove(&mut any.adapter).map_err(|error| error.to_string()),
                None => Ok(()),
            },
        }
    }

    fn is_end(&self, token: i32) -> bool {
        let vocab = self.model.vocab();
        // A control token in a reply is the beginning of a turn that is not the model's to write.
        vocab.is_eog(LlamaToken(token)) || vocab.is_control(LlamaToken(token))
    }

    fn piece(&self, token: i32, bytes: &mut Vec<u8>) {
        self.model.vocab().token_to_piece_into(LlamaToken(token), bytes, false, None);
    }
}
