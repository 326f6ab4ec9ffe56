//! One shell and its three pipes, on this machine or at the other end of a connection.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

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
    process: Process,
    stdin: Box<dyn AsyncWrite + Send + Unpin>,
    stdout: Stream,
    stderr: Stream,
    greeted: bool,
    machine: Option<String>,
}

/// What is waited for.
enum Process {
    Here(Child),
    There(There),
}

/// A shell on another machine. That it ended is what the connection tells of it, once.
struct There {
    ending: Pin<Box<dyn Future<Output = String> + Send>>,
    ended: Option<String>,
}

impl Process {
    /// How the shell ended, in words. Can be dropped and called again.
    async fn wait(&mut self) -> String {
        match self {
            Process::Here(child) => match child.wait().await {
                Ok(status) => format!("the shell ended ({status})"),
                Err(error) => format!("the shell could not be waited for: {error}"),
            },
            Process::There(shell) => match &shell.ended {
                Some(ended) => ended.clone(),
                None => {
                    let ended = shell.ending.as_mut().await;
                    shell.ended.insert(ended).clone()
                }
            },
        }
    }

    fn is_alive(&mut self) -> bool {
        match self {
            Process::Here(child) => matches!(child.try_wait(), Ok(None)),
            Process::There(There { ended: Some(_), .. }) => false,
            Process::There(shell) => {
                match shell.ending.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Pending => true,
                    Poll::Ready(ended) => {
                        shell.ended = Some(ended);
                        false
                    }
                }
            }
        }
    }
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
                process: Process::Here(child),
                stdin: Box::new(stdin),
                stdout: Stream::new(stdout),
                stderr: Stream::new(stderr),
                greeted: false,
                machine: None,
            }),
            _ => Err(io::Error::other("the shell was started without pipes")),
        }
    }

    /// Starts a shell at the other end of a connection. Nothing is said yet.
    ///
    /// # Errors
    /// Where the connection is gone or refuses another shell.
    pub async fn over(session: Arc<openssh::Session>, command: &str) -> Result<Channel, openssh::Error> {
        let piped = openssh::Stdio::piped;
        let mut child =
            session.arc_raw_command(command).stdin(piped()).stdout(piped()).stderr(piped()).spawn().await?;
        let missing = || openssh::Error::ChildIo(io::Error::other("the shell was started without pipes"));
        let (stdin, stdout, stderr) = (child.stdin().take(), child.stdout().take(), child.stderr().take());
        let ending = async move {
            match child.wait().await {
                Ok(status) => format!("the shell ended ({status})"),
                Err(error) => format!("the connection to the shell ended ({error})"),
            }
        };
        Ok(Channel {
            process: Process::There(There { ending: Box::pin(ending), ended: None }),
            stdin: Box::new(stdin.ok_or_else(missing)?),
            stdout: Stream::new(stdout.ok_or_else(missing)?),
            stderr: Stream::new(stderr.ok_or_else(missing)?),
            greeted: false,
            machine: None,
        })
    }

    /// Whether the shell is still there to be asked.
    pub fn is_alive(&mut self) -> bool {
        self.process.is_alive()
    }

    /// What the machine calls itself, once it has answered; nothing where it does not say.
    pub fn machine(&self) -> Option<&str> {
        self.machine.as_deref()
    }

    /// Whether it has answered: what fails before that has changed nothing.
    pub fn is_greeted(&self) -> bool {
        self.greeted
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
            let Some(before) = hello.strip_suffix(HELLO) else {
                return Err(Lost(format!("it is no POSIX shell: it answered {:?}", clip(hello.as_bytes()))));
            };
            self.machine = before.lines().last().filter(|line| is_machine_id(line)).map(str::to_owned);
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
            let Channel { process, stdin, stdout, stderr, .. } = self;
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
                ended = process.wait() => match tokio::time::timeout(DRAIN, &mut talk).await {
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
            Break::Closed => match tokio::time::timeout(DRAIN, self.process.wait()).await {
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
            Break::Ended(how) => format!("{how}{said}"),
            Break::Late(patience) => format!("no whole answer came within {} s{said}", patience.as_secs()),
        })
    }
}

/// What cut an answer short.
enum Break {
    Closed,
    Broken(io::Error),
    /// In words.
    Ended(String),
    Late(Duration),
}

/// What stood before a trailer, and what the trailer said behind its nonce.
struct Part {
    text: Vec<u8>,
    status: String,
}

/// One output of the shell, cut at the trailers.
struct Stream {
    reader: BufReader<Box<dyn AsyncRead + Send + Unpin>>,
    /// What has been read of the answer that is not whole yet.
    pending: Vec<u8>,
}

impl Stream {
    fn new(reader: impl AsyncRead + Send + Unpin + 'static) -> Self {
        Stream { reader: BufReader::with_capacity(1 << 16, Box::new(reader)), pending: Vec::new() }
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
    // The script is a constant without a quote, and starts no program.
    let act = format!(
        "'id=; {{ read -r id </etc/machine-id; }} 2>/dev/null || :; printf \"%s\\n%s\" \"$id\" \"{HELLO}\"'"
    );
    Body { act, ..Body::default() }.message()
}

/// As machine-id(5) has it.
fn is_machine_id(line: &str) -> bool {
    line.len() == 32 && line.bytes().all(|b| b.is_ascii_hexdigit())
}
