//! A server that says what it is told to, one answer a request.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// What a server does with a request.
#[derive(Clone, Debug)]
pub enum Act {
    /// Answers with a status, further header lines and a body.
    Say(u16, &'static str, String),
    /// Announces more bytes than it sends.
    Half(&'static str),
    /// Closes after so many bytes of the request's body.
    Drop(usize),
}

impl Act {
    pub fn json(body: &str) -> Self {
        Self::Say(200, "", body.to_owned())
    }

    pub fn status(status: u16, body: &str) -> Self {
        Self::Say(status, "", body.to_owned())
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub head: String,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }
}

pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers by a script; the last act is repeated.
    pub fn script(acts: Vec<Act>) -> Self {
        let at = Mutex::new(0);
        Self::answering(move |_| {
            let mut at = at.lock().unwrap();
            let act = acts[(*at).min(acts.len() - 1)].clone();
            *at += 1;
            act
        })
    }

    /// Answers each request by what it is.
    pub fn answering(act: impl Fn(&Asked) -> Act + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(stream.unwrap(), &act, &seen);
            }
        });
        Self { url, asked }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, act: &dyn Fn(&Asked) -> Act, seen: &Mutex<Vec<Asked>>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let asked = Asked { head, body: Vec::new() };
    let act = act(&asked);
    let wanted = if let Act::Drop(bytes) = act { bytes } else { length.unwrap_or(0) };
    let mut body = vec![0; wanted];
    let _ = reader.read_exact(&mut body);
    seen.lock().unwrap().push(Asked { body, ..asked });
    let mut stream = reader.into_inner();
    let _ = match act {
        Act::Say(status, headers, body) => write!(
            stream,
            "HTTP/1.1 {status} Said\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        ),
        Act::Half(body) => {
            write!(stream, "HTTP/1.1 200 Said\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len() * 2)
        }
        Act::Drop(_) => Ok(()),
    };
}

/// An address where nobody listens.
pub fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
