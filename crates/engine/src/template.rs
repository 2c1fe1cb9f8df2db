//! A conversation as tokens.
//!
//! The turn markers are tokens of their own, put in by number; everything said is tokenized as plain text. So words
//! such as `<end_of_turn>` in a guest's message stay words and end no turn.
//!
//! The preamble is tokenized apart from what follows it: its tokens are the same in every prompt of an agent, which is
//! what lets its computed state be shared.

use concierge::ports::{ChatMessage, EngineError, Role};
use llama_cpp_2::{model::LlamaModel, token::LlamaToken};

/// Bytes of the longest token of any real vocabulary: text longer than this times the limit cannot fit.
const LONGEST_TOKEN: usize = 256;
/// Old messages are dropped in steps of so many, so that the prompt's beginning, and with it the state kept for it,
/// stays the same for some turns.
const DROP_STEP: usize = 4;

/// How a model marks the turns of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChatTemplate {
    /// `<start_of_turn>user … <end_of_turn>`, without a system turn: the preamble heads the first user turn.
    Gemma,
    /// `<|im_start|>system … <|im_end|>`.
    ChatMl,
}

/// A prompt ready for the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prompt {
    pub tokens: Vec<i32>,
    /// How many of them, from the first, are the preamble's.
    pub preamble: usize,
}

/// A template bound to a model's own token numbers.
#[derive(Clone, Debug)]
pub(crate) struct Turns {
    template: ChatTemplate,
    open: i32,
    close: i32,
    bos: Option<i32>,
}

impl Turns {
    /// Finds the markers in the vocabulary.
    pub fn of(model: &LlamaModel) -> Option<Self> {
        let marker = |text: &str| match model.vocab().tokenize(text.as_bytes(), false, true).as_slice() {
            [token] if model.vocab().is_control(*token) || model.vocab().is_eog(*token) => Some(token.0),
            _ => None,
        };
        let bos = model.vocab().should_add_bos().then(|| model.vocab().bos().0).filter(|token| *token >= 0);
        let pairs = [
            (ChatTemplate::Gemma, "<start_of_turn>", "<end_of_turn>"),
            (ChatTemplate::ChatMl, "<|im_start|>", "<|im_end|>"),
        ];
        pairs.into_iter().find_map(|(template, open, close)| {
            Some(Self { template, open: marker(open)?, close: marker(close)?, bos })
        })
    }

    pub const fn template(&self) -> ChatTemplate {
        self.template
    }

    /// The prompt of a conversation that may have `limit` tokens. If it would have more, the oldest messages are left
    /// out; the preamble and the last message never are.
    pub fn prompt(
        &self,
        model: &LlamaModel,
        preamble: &str,
        messages: &[ChatMessage],
        limit: u32,
    ) -> Result<Prompt, EngineError> {
        let Some((last, _)) = messages.split_last() else {
            return Err(EngineError::Invalid("the conversation is empty".to_owned()));
        };
        if last.role != Role::User {
            return Err(EngineError::Invalid("the conversation's last message is not the guest's".to_owned()));
        }
        let room = limit as usize;
        let too_long =
            |tokens: usize| EngineError::PromptTooLong { tokens: u32::try_from(tokens).unwrap_or(u32::MAX), limit };
        let enough = |text: &str| {
            let least = text.len() / LONGEST_TOKEN;
            if least > room { Err(too_long(least)) } else { Ok(()) }
        };
        enough(preamble)?;
        enough(&last.text)?;

        let head = self.head(model, preamble);
        let tail = self.opener(model, Role::Model);
        // From the newest backwards, so that nothing is tokenized that will not be used.
        let mut turns: Vec<Vec<i32>> = Vec::new();
        let mut used = head.len() + tail.len();
        for message in messages.iter().rev() {
            if !turns.is_empty() && enough(&message.text).is_err() {
                break;
            }
            let turn = self.turn(model, message);
            if used + turn.len() > room {
                if turns.is_empty() {
                    return Err(too_long(used + turn.len()));
                }
                break;
            }
            used += turn.len();
            turns.push(turn);
        }
        let first = self.first_kept(messages, messages.len() - turns.len());
        turns.truncate(messages.len() - first);
        turns.reverse();

        let preamble_tokens = head.len();
        let mut tokens = head;
        let opens_first_turn = self.template == ChatTemplate::Gemma;
        for (index, (turn, message)) in turns.into_iter().zip(messages.iter().skip(first)).enumerate() {
            if index == 0 && opens_first_turn {
                // The head has opened a user turn already.
                if message.role == Role::User {
                    tokens.extend(turn.into_iter().skip(self.opener(model, Role::User).len()));
                    continue;
                }
                tokens.push(self.close);
                tokens.extend(self.plain(model, "\n"));
            }
            tokens.extend(turn);
        }
        tokens.extend(tail);
        Ok(Prompt { tokens, preamble: preamble_tokens })
    }

    /// Where the conversation begins if `dropped` messages do not fit: a guest's message, at a step.
    fn first_kept(&self, messages: &[ChatMessage], dropped: usize) -> usize {
        if dropped == 0 {
            return 0;
        }
        let last = messages.len() - 1;
        let stepped = dropped.next_multiple_of(DROP_STEP);
        (stepped..last)
            .find(|index| messages.get(*index).is_some_and(|message| message.role == Role::User))
            .unwrap_or(last)
    }

    fn head(&self, model: &LlamaModel, preamble: &str) -> Vec<i32> {
        let mut tokens: Vec<i32> = self.bos.into_iter().collect();
        match self.template {
            ChatTemplate::Gemma => {
                tokens.extend(self.opener(model, Role::User));
                if !preamble.is_empty() {
                    tokens.extend(self.plain(model, &format!("{preamble}\n\n")));
                }
            }
            ChatTemplate::ChatMl if preamble.is_empty() => {}
            ChatTemplate::ChatMl => {
                tokens.push(self.open);
                tokens.extend(self.plain(model, &format!("system\n{preamble}")));
                tokens.push(self.close);
                tokens.extend(self.plain(model, "\n"));
            }
        }
        tokens
    }

    fn turn(&self, model: &LlamaModel, message: &ChatMessage) -> Vec<i32> {
        let mut tokens = self.opener(model, message.role);
        tokens.extend(self.plain(model, message.text.trim()));
        tokens.push(self.close);
        tokens.extend(self.plain(model, "\n"));
        tokens
    }

    fn opener(&self, model: &LlamaModel, role: Role) -> Vec<i32> {
        let name = match (self.template, role) {
            (_, Role::User) => "user\n",
            (ChatTemplate::Gemma, Role::Model) => "model\n",
            (ChatTemplate::ChatMl, Role::Model) => "assistant\n",
        };
        let mut tokens = vec![self.open];
        tokens.extend(self.plain(model, name));
        tokens
    }

    /// Tokens of a text in which nothing is a marker.
    pub fn plain(&self, model: &LlamaModel, text: &str) -> Vec<i32> {
        let vocab = model.vocab();
        let tokens = vocab.tokenize(text.as_bytes(), false, false);
        let is_marker = |token: &LlamaToken| vocab.is_control(*token) || vocab.is_eog(*token);
        if !tokens.iter().any(is_marker) {
            return tokens.into_iter().map(|token| token.0).collect();
        }
        // A vocabulary that has a marker down as an ordinary token: taken apart, it is text again.
        let pieces = text.split_inclusive(['<', '|', '[']);
        let tokens = pieces.flat_map(|piece| vocab.tokenize(piece.as_bytes(), false, false));
        tokens.filter(|token| !is_marker(token)).map(|token| token.0).collect()
    }
}
