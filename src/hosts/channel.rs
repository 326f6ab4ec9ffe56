//! One shell and its three pipes.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use super::frame::{Body, Message, PRELUDE};
use crate::model::command::Answer;

/// How long the pipes of a shell that has ended are still read. All that it wrote is in them by then, but
/// something that it started may keep them open for ever.
const DRAIN: Duration = Duration::from_secs(1);

const HELLO: &str = "vbs speaks here";

/// Why no whole reply came, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost(pub String);

/// A connection to one shell. After anything but a whole reply it must be dropped: what it says next would answer
/// a question that was asked before. Dropping it closes the shell's input; a frame that runs is left to end.
pub struct Channel {
    child: Child,
    stdin: ChildStdin,
    stdout: Stream<ChildStdout>,
    stderr: Stream<ChildStderr>,
    greeted: bool,
}

impl Channel {
    /// Starts a shell. Nothing is said yet.
    ///
    /// # Errors
    /// Where the program cannot be started.
    #[expect(clippy::disallowed_methods, reason = "this is where vbs starts the shell of a host")]
    pub fn open(program: &[String]) -> io::Result<Channel> {
        let (name, arguments) =
            program.split_first().ok_or_else(|| io::Error::other("no program was given"))?;
        let mut child = Command::new(name)
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .current_dir("/")
            // A terminal's Ctrl-C reaches vbs alone, which decides what becomes of the frames.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
            (Some(stdin), Some(stdout), Some(stderr)) => Ok(Channel {
                child,
                stdin,
                stdout: Stream::new(stdout),
                stderr: Stream::new(stderr),
                greeted: false,
            }),
            _ => Err(io::Error::other("the shell was started without pipes")),
        }
    }

    /// Whether the shell is still there to be asked.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Proves that a shell answers, so that what fails from here on may have been carried out.
    ///
    /// # Errors
    /// Where it did not answer within `patience`.
    pub async fn greet(&mut self, patience: Duration) -> Result<(), Lost> {
        if self.greeted {
            return Ok(());
        }
        self.exchange(&[], patience).await.map(drop)
    }

    /// Writes all messages at once and reads their answers, in order. The first exchange sends the prelude as well.
    ///
    /// # Errors
    /// Where not every answer arrived whole.
    pub async fn exchange(&mut self, messages: &[Message], patience: Duration) -> Result<Vec<Answer>, Lost> {
        let hello = (!self.greeted).then(hello);
        let mut request = if self.greeted { String::new() } else { PRELUDE.to_owned() };
        let all: Vec<&Message> = hello.iter().chain(messages).collect();
        request.extend(all.iter().map(|message| message.text.as_str()));

        let mut replies = self.converse(request.as_bytes(), &all, patience).await?.into_iter();
        if !self.greeted {
            let hello = replies.next().map(|answer| answer.stdout).unwrap_or_default();
            // Something may have been printed by what a login runs before the shell.
            if !hello.ends_with(HELLO) {
                return Err(Lost(format!("it is no POSIX shell: it answered {:?}", clip(hello.as_bytes()))));
            }
            self.greeted = true;
        }
        Ok(replies.collect())
    }

    /// Writes and reads at once, so that neither side waits for the other with a full pipe, for as long as the shell
    /// lives and patience lasts.
    async fn converse(
        &mut self,
        request: &[u8],
        messages: &[&Message],
        patience: Duration,
    ) -> Result<Vec<Answer>, Lost> {
        let outcome = {
            let Channel { child, stdin, stdout, stderr, .. } = self;
            let talk = async {
                // The write may fail where the shell ended early; what it said before decides.
                let (_, out, err) = tokio::join!(
                    stdin.write_all(request),
                    stdout.answers(messages),
                    stderr.answers(messages)
                );
                Ok((out?, err?))
            };
            tokio::pin!(talk);
            tokio::select! {
                outcome = &mut talk => outcome,
                ended = child.wait() => match tokio::time::timeout(DRAIN, &mut talk).await {
                    Ok(Ok(answers)) => Ok(answers),
                    _ => Err(Break::Ended(ended)),
                },
                () = tokio::time::sleep(patience) => Err(Break::Late(patience)),
            }
        };
        let (out, err) = match outcome {
            Ok(answers) => answers,
            Err(cause) => return Err(self.lost(cause).await),
        };
        out.into_iter().zip(err).map(|(out, err)| answer(&out, err.text)).collect()
    }

    /// Puts a broken connection into words, with the end of what was said on standard error.
    async fn lost(&mut self, cause: Break) -> Lost {
        let cause = match cause {
            Break::Closed => match tokio::time::timeout(DRAIN, self.child.wait()).await {
                Ok(ended) => Break::Ended(ended),
                Err(_) => Break::Closed,
            },
            cause => cause,
        };
        let said = clip(&self.stderr.pending);
        let said = if said.is_empty() { said } else { format!(", having said {said:?}") };
        Lost(match cause {
            Break::Closed => format!("the shell closed its output{said}"),
            Break::Broken(error) => format!("the shell could not be read: {error}{said}"),
            Break::Ended(Ok(status)) => format!("the shell ended ({status}){said}"),
            Break::Ended(Err(error)) => format!("the shell could not be waited for: {error}{said}"),
            Break::Late(patience) => format!("no whole answer came within {} s{said}", patience.as_secs()),
        })
    }
}

/// What cut an answer short.
enum Break {
    Closed,
    Broken(io::Error),
    Ended(io::Result<ExitStatus>),
    Late(Duration),
}

/// What stood before a trailer, and what the trailer said behind its nonce.
struct Part {
    text: Vec<u8>,
    status: String,
}

/// One output of the shell, cut at the trailers.
struct Stream<R> {
    reader: BufReader<R>,
    /// What has been read of the answer that is not whole yet.
    pending: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Stream<R> {
    fn new(reader: R) -> Self {
        Stream { reader: BufReader::with_capacity(1 << 16, reader), pending: Vec::new() }
    }

    async fn answers(&mut self, messages: &[&Message]) -> Result<Vec<Part>, Break> {
        let mut parts = Vec::with_capacity(messages.len());
        for message in messages {
            parts.push(self.answer(&message.nonce).await?);
        }
        Ok(parts)
    }

    /// Reads line by line up to the line that begins with the nonce. The newline before it belongs to the trailer.
    async fn answer(&mut self, nonce: &str) -> Result<Part, Break> {
        loop {
            let start = self.pending.len();
            let read = self.reader.read_until(b'\n', &mut self.pending).await.map_err(Break::Broken)?;
            if read == 0 || !self.pending.ends_with(b"\n") {
                return Err(Break::Closed);
            }
            if self.pending[start..].starts_with(nonce.as_bytes()) {
                let status = String::from_utf8_lossy(&self.pending[start + nonce.len()..]).trim().to_owned();
                let mut text = std::mem::take(&mut self.pending);
                text.truncate(start.saturating_sub(1));
                return Ok(Part { text, status });
            }
        }
    }
}

fn answer(out: &Part, err: Vec<u8>) -> Result<Answer, Lost> {
    let status = out.status.parse().map_err(|_| Lost(format!("it ended an answer with {:?}", out.status)))?;
    Ok(Answer { status, stdout: text(&out.text), stderr: text(&err) })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The last KiB, for messages.
fn clip(bytes: &[u8]) -> String {
    text(&bytes[bytes.len().saturating_sub(1024)..]).trim().to_owned()
}

fn hello() -> Message {
    // The script is a constant without a quote.
    Body { act: format!("'printf %s \"{HELLO}\"'"), ..Body::default() }.message()
}
