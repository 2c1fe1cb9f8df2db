//! A connection that gives up on a reader who takes nothing.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// Ends a connection whose peer accepts no byte for `patience` while there is something to write. Without it, a guest
/// who never reads would hold the connection and its reply for ever.
pub struct StalledWrites<I> {
    io: I,
    patience: Duration,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<I> StalledWrites<I> {
    /// Watches `io`.
    pub const fn new(io: I, patience: Duration) -> Self {
        Self { io, patience, deadline: None }
    }

    /// Passes progress on, and turns too long a wait into an error.
    fn watch<T>(&mut self, cx: &mut Context<'_>, progress: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.deadline = None;
            return progress;
        }
        let patience = self.patience;
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(deadline.as_mut().poll(cx));
        deadline.as_mut().reset(Instant::now() + patience);
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer reads nothing")))
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for StalledWrites<I> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for StalledWrites<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.io).poll_write(cx, buf);
        self.watch(cx, progress)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.watch(cx, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.io).poll_flush(cx);
        self.watch(cx, progress)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.io).poll_shutdown(cx);
        self.watch(cx, progress)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_peer_who_reads_nothing_is_cut() {
        let (ours, _theirs) = tokio::io::duplex(8);
        let patience = Duration::from_millis(300);
        let mut io = StalledWrites::new(ours, patience);
        let started = Instant::now();
        let error = io.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(started.elapsed() >= patience);
    }

    #[tokio::test]
    async fn a_slow_peer_who_reads_is_served() {
        let (ours, mut theirs) = tokio::io::duplex(8);
        let patience = Duration::from_millis(600);
        let mut io = StalledWrites::new(ours, patience);
        let reader = tokio::spawn(async move {
            let mut taken = Vec::new();
            let mut buffer = [0; 4];
            while taken.len() < 64 {
                sleep(Duration::from_millis(60)).await;
                let n = theirs.read(&mut buffer).await.unwrap();
                taken.extend_from_slice(&buffer[..n]);
            }
            taken
        });
        let started = Instant::now();
        io.write_all(&[7; 64]).await.unwrap();
        assert!(started.elapsed() > patience, "all of it took longer than any one wait may");
        assert_eq!(reader.await.unwrap(), vec![7; 64]);
    }
}
