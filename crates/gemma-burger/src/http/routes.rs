//! Routes that know their own list, so that a test can hold the description of the interface against it.

use axum::{
    Router,
    handler::Handler,
    http::Method,
    routing::{get, post},
};

/// Routes being put together.
pub struct Routes<S> {
    router: Router<S>,
    list: Vec<(Method, &'static str)>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self { router: Router::new(), list: Vec::new() }
    }

    /// Adds what answers `GET`.
    #[must_use]
    pub fn get<T: 'static>(mut self, path: &'static str, handler: impl Handler<T, S>) -> Self {
        self.list.push((Method::GET, path));
        Self { router: self.router.route(path, get(handler)), list: self.list }
    }

    /// Adds what answers `POST`.
    #[must_use]
    pub fn post<T: 'static>(mut self, path: &'static str, handler: impl Handler<T, S>) -> Self {
        self.list.push((Method::POST, path));
        Self { router: self.router.route(path, post(handler)), list: self.list }
    }

    /// Adds others.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.list.extend(other.list);
        Self { router: self.router.merge(other.router), list: self.list }
    }

    /// Every method and path.
    #[must_use]
    pub fn list(self) -> Vec<(Method, &'static str)> {
        self.list
    }

    /// What axum serves.
    pub fn into_router(self) -> Router<S> {
        self.router
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}
