//! A guest's standard output and error, cut into lines.

use crate::trace::{Event, Trace};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// One of the two streams of an instance.
#[derive(Clone)]
pub(crate) struct Lines(Arc<Mutex<Buffer>>);

struct Buffer {
    component: String,
    error: bool,
    trace: Trace,
    partial: Vec<u8>,
}

impl Lines {
    pub(crate) fn new(component: &str, error: bool, trace: Trace) -> Self {
        Self(Arc::new(Mutex::new(Buffer { component: component.to_owned(), error, trace, partial: Vec::new() })))
    }

    fn lock(&self) -> MutexGuard<'_, Buffer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buffer {
    fn take(&mut self, bytes: &[u8]) {
        let mut parts = bytes.split(|byte| *byte == b'\n').peekable();
        while let Some(part) = parts.next() {
            self.partial.extend_from_slice(part);
            if parts.peek().is_some() {
                self.flush();
            }
        }
    }

    fn flush(&mut self) {
        let text = String::from_utf8_lossy(&std::mem::take(&mut self.partial)).trim_end_matches('\r').to_owned();
        (self.trace)(Event::Line { component: self.component.clone(), error: self.error, text });
    }
}

impl Drop for Buffer {
    /// The last words of an instance may lack their end of line.
    fn drop(&mut self) {
        if !self.partial.is_empty() {
            self.flush();
        }
    }
}

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Lines {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Lines {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        self.lock().take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_reported_line_by_line_however_it_was_written() {
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let sink = seen.clone();
        let trace: Trace = Arc::new(move |event| match event {
            Event::Line { text, .. } => sink.lock().unwrap().push(text),
            other => panic!("{other:?}"),
        });
        let lines = Lines::new("a", true, trace);
        for part in ["one", " two\nthree\n", "\n", "last"] {
            lines.lock().take(part.as_bytes());
        }
        drop(lines);
        assert_eq!(*seen.lock().unwrap(), ["one two", "three", "", "last"]);
    }
}
