//! Services that an owner may switch on: experiment tracking, a model hub, a vector store elsewhere, a judge.
//!
//! None is needed to serve guests. Each lives in a module of its own and speaks through one [`service::Service`], which
//! bounds the wait, the size of an answer and the number of tries, and says in words what went wrong.

pub mod chat;
pub mod hub;
pub mod judge;
pub mod pinecone;
pub mod service;
