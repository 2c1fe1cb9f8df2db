//! The pages: files of `web/`, embedded in the binary when it is built.

use std::collections::HashMap;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

/// Path within `web/` and content, written by the build script.
static FILES: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The files by the path under which a browser asks for them.
pub struct Assets {
    by_path: HashMap<String, Asset>,
}

struct Asset {
    content: &'static [u8],
    kind: HeaderValue,
    etag: HeaderValue,
}

impl Assets {
    /// The embedded files. A page `name.html` is also found as `name`, and `index.html` as its folder.
    #[must_use]
    pub fn embedded() -> Self {
        let mut by_path = HashMap::new();
        for (path, content) in FILES {
            let mut names = vec![format!("/{path}")];
            if let Some(page) = path.strip_suffix(".html") {
                names.push(format!("/{}", page.strip_suffix("index").unwrap_or(page)));
            }
            for name in names {
                by_path.insert(name, Asset::new(path, content));
            }
        }
        Self { by_path }
    }

    /// The answer to a request for a file, or none where there is no such file.
    #[must_use]
    pub fn get(&self, path: &str, headers: &HeaderMap) -> Option<Response> {
        let asset = self.by_path.get(path)?;
        let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        let etag = asset.etag.to_str().unwrap_or_default();
        let unchanged =
            known.is_some_and(|known| known.split(',').any(|known| known.trim().trim_start_matches("W/") == etag));
        let mut response = if unchanged {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            let mut response = Response::new(Body::from(asset.content));
            response.headers_mut().insert(header::CONTENT_TYPE, asset.kind.clone());
            response
        };
        let headers = response.headers_mut();
        headers.insert(header::ETAG, asset.etag.clone());
        // Names do not change with their content: a browser keeps a file and asks whether it is still the same.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        Some(response)
    }

    /// The paths of all files.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.by_path.keys().map(String::as_str)
    }
}

impl Asset {
    fn new(path: &str, content: &'static [u8]) -> Self {
        let digest = hex::encode(&Sha256::digest(content)[..12]);
        let etag = HeaderValue::from_str(&format!("\"{digest}\"")).unwrap_or(HeaderValue::from_static("\"\""));
        Self { content, kind: HeaderValue::from_static(kind(path)), etag }
    }
}

/// The media type by the name's ending.
fn kind(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "mp3" => "audio/mpeg",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
