//! A real sshd on the loopback device, for one test, with keys and settings of its own. It runs as whoever runs the
//! tests and ends with the test.

use std::fs;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::Workspace;

const SSHD: &str = "/usr/sbin/sshd";

/// Whether there is an sshd to test with; says so where there is none.
pub fn is_there() -> bool {
    let there = Path::new(SSHD).exists();
    if !there {
        // Past the capturing of output: a test that did nothing must be seen.
        let _ = writeln!(std::io::stderr(), "\nSKIPPED over ssh: {SSHD} is not installed");
    }
    there
}

pub struct Sshd {
    directory: tempfile::TempDir,
    pub port: u16,
    child: Child,
}

impl Sshd {
    pub fn start() -> Sshd {
        Sshd::with("")
    }

    /// With further lines of sshd_config, which count more than ours; `{directory}` is where its files are.
    pub fn with(settings: &str) -> Sshd {
        let directory = tempfile::tempdir().unwrap();
        for name in ["host", "key"] {
            generate(&directory.path().join(name));
        }
        fs::copy(directory.path().join("key.pub"), directory.path().join("authorized")).unwrap();
        // Where root runs it, sshd locks a part of itself up there.
        let _ = fs::create_dir("/run/sshd");
        let (port, child) = listen(directory.path(), settings);
        Sshd { directory, port, child }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// `ssh://USER@127.0.0.1:PORT`
    pub fn address(&self) -> String {
        format!("ssh://{}@127.0.0.1:{}", user(), self.port)
    }

    /// The line of a known_hosts file.
    pub fn key_line(&self) -> String {
        let key = fs::read_to_string(self.path("host.pub")).unwrap();
        let mut words = key.split_whitespace();
        format!("[127.0.0.1]:{} {} {}\n", self.port, words.next().unwrap(), words.next().unwrap())
    }

    /// The line of an ssh_config file that lets the tests in.
    pub fn identity_line(&self) -> String {
        format!("IdentityFile {}\nIdentitiesOnly yes\n", self.path("key").display())
    }

    /// How many connections were let in.
    pub fn logins(&self) -> usize {
        let log = fs::read_to_string(self.path("log")).unwrap();
        log.lines().filter(|line| line.starts_with("Accepted publickey")).count()
    }

    /// Processes of sshd that serve a connection: the listener's children, and theirs. What runs for the user is
    /// none of them.
    fn sessions(&self) -> Vec<u32> {
        let mut found = sshd_children(self.child.id());
        let mut next = 0;
        while next < found.len() {
            found.extend(sshd_children(found[next]));
            next += 1;
        }
        found
    }

    pub fn is_connected(&self) -> bool {
        !self.sessions().is_empty()
    }

    /// Breaks every connection, as a cut cable would, but noticed at once. What runs on the host goes on.
    pub fn cut(&self) {
        for pid in self.sessions() {
            kill(pid);
        }
    }

    /// Gives the host another key, as somebody in between would have.
    pub fn change_key(&mut self) {
        self.stop();
        fs::remove_file(self.path("host")).unwrap();
        fs::remove_file(self.path("host.pub")).unwrap();
        generate(&self.path("host"));
        self.start_again();
    }

    /// Ends it, and every connection.
    pub fn stop(&mut self) {
        let sessions = self.sessions();
        let _ = self.child.kill();
        let _ = self.child.wait();
        sessions.into_iter().for_each(kill);
    }

    /// On the same port.
    pub fn start_again(&mut self) {
        self.child = spawn(self.directory.path());
        assert!(answers(self.port, &mut self.child), "{}", fs::read_to_string(self.path("log")).unwrap());
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
    }
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

pub fn user() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

pub fn generate(path: &Path) {
    let made =
        Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status().unwrap();
    assert!(made.success());
}

/// Somebody else may take the port between finding and using it: another one is found then.
fn listen(directory: &Path, settings: &str) -> (u16, Child) {
    for _ in 0..10 {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = |name: &str| directory.join(name).display().to_string();
        let settings = settings.replace("{directory}", &directory.display().to_string());
        let text = format!(
            "{settings}\nListenAddress 127.0.0.1\nPort {port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\n\
             StrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nMaxStartups 100\n",
            at("host"),
            at("authorized"),
        );
        fs::write(directory.join("sshd_config"), text).unwrap();
        let mut child = spawn(directory);
        if answers(port, &mut child) {
            return (port, child);
        }
    }
    panic!("sshd does not start: {}", fs::read_to_string(directory.join("log")).unwrap());
}

fn spawn(directory: &Path) -> Child {
    let log = fs::OpenOptions::new().append(true).create(true).open(directory.join("log")).unwrap();
    Command::new(SSHD)
        .args(["-D", "-e", "-f"])
        .arg(directory.join("sshd_config"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
}

fn answers(port: u16, child: &mut Child) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(20) {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}

fn sshd_children(parent: u32) -> Vec<u32> {
    let listed = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
    let pids = listed.split_whitespace().map(|pid| pid.parse::<u32>().unwrap());
    pids.filter(|pid| {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        name.starts_with("sshd")
    })
    .collect()
}

/// A workspace whose keys and ssh configuration are those of its servers.
pub struct Remote {
    pub workspace: Workspace,
    pub servers: Vec<Sshd>,
}

impl Remote {
    /// One server a host: `host.h0`, `host.h1`, …, each with a pool `pool.p0`, … in `pools/0`, … of the workspace, and
    /// `text` after them. All keys are known.
    pub fn new(servers: Vec<Sshd>, text: &str) -> Remote {
        let remote = Remote { workspace: Workspace::empty(), servers };
        let keys: String = remote.servers.iter().map(Sshd::key_line).collect();
        remote.workspace.file("vbs.known_hosts", &keys);
        let identities: String = remote.servers.iter().map(Sshd::identity_line).collect();
        remote.workspace.file("ssh_config", &identities);
        remote.configure(text);
        remote
    }

    pub fn one(text: &str) -> Remote {
        Remote::new(vec![Sshd::start()], text)
    }

    /// The blocks of hosts and pools.
    pub fn blocks(&self) -> String {
        let block = |(number, server): (usize, &Sshd)| {
            format!(
                "host \"h{number}\" {{\n  address = \"{}\"\n}}\n\npool \"file\" \"p{number}\" {{\n  host = host.h{number}\n  \
                 path = \"pools/{number}\"\n  create = true\n}}\n\n",
                server.address()
            )
        };
        self.servers.iter().enumerate().map(block).collect()
    }

    pub fn configure(&self, text: &str) {
        self.workspace.file("main.vbs.hcl", &format!("{}{text}", self.blocks()));
    }

    pub fn command(&self, arguments: &str) -> Command {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let mut command = self.workspace.command(&arguments);
        command.env("VBS_SSH_CONFIG", self.workspace.path("ssh_config"));
        // All servers are on this machine.
        command.env("VBS_FAULT_ONE_MACHINE", "1");
        command
    }

    pub fn vbs(&self, arguments: &str) -> crate::support::Output {
        crate::support::run(&mut self.command(arguments))
    }

    /// With a fault at a place, see src/faults.rs.
    pub fn faulty(&self, arguments: &str, fault: &str) -> crate::support::Output {
        crate::support::run(self.command(arguments).env("VBS_FAULT", fault))
    }

    #[track_caller]
    pub fn apply(&self) -> crate::support::Output {
        self.vbs("apply --auto-approve").exits(0)
    }

    /// Nothing is to be done any more.
    #[track_caller]
    pub fn settled(&self) {
        self.vbs("plan --detailed-exitcode").exits(0).says("No changes.");
    }
}

/// A volume in `pool.pN`.
pub fn volume(name: &str, pool: usize) -> String {
    format!("volume \"{name}\" {{\n  pool = pool.p{pool}\n  size = \"1MiB\"\n}}\n\n")
}
