//! A real tgtd on loopback, for tests: it ends with its test. Where there is none, or nobody is root, a test says so and
//! is not run.
#![expect(clippy::disallowed_methods, reason = "tests run a real server")]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub struct Server {
    child: Child,
    pub port: u16,
    /// Its control port, which follows from a port that was free and may not be as high as one.
    pub control: u16,
}

/// Ends with its test.
pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Server {
    pub fn start() -> Option<Server> {
        let is_there = ["tgtd", "tgtadm", "iscsi-inq", "iscsi-perf"].iter().all(|program| {
            ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].iter().any(|at| Path::new(at).join(program).exists())
        });
        if !is_there || fs::metadata("/proc/self").unwrap().uid() != 0 {
            eprintln!("skipped: needs root, tgt and libiscsi-bin");
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let control = port / 2;
        let mut server = Server { child: spawn(port, control), port, control };
        server.wait();
        Some(server)
    }

    fn wait(&mut self) {
        while !self.adm(&["--op", "show", "--mode", "portal"]).contains("Portal:") {
            assert!(self.child.try_wait().unwrap().is_none(), "tgtd ended");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for end in ["", ".lock"] {
            let _ = fs::remove_file(format!("/var/run/tgtd/socket.{}{end}", self.control));
        }
    }

    /// As after a restart of the host: nothing is left but what files say.
    pub fn restart(&mut self) {
        self.stop();
        self.child = spawn(self.port, self.control);
        self.wait();
    }

    /// What it says, on either stream.
    pub fn adm(&self, arguments: &[&str]) -> String {
        let output = Command::new("tgtadm")
            .args(["-C", &self.control.to_string(), "--lld", "iscsi"])
            .args(arguments)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    pub fn show(&self) -> String {
        self.adm(&["--op", "show", "--mode", "target"])
    }

    /// Has tgt-admin carry out the files in a directory, as the service does when it starts.
    pub fn load(&self, directory: &Path) -> String {
        let main = directory.join("targets.conf.test");
        fs::write(&main, format!("include {}/*.conf\n", directory.display())).unwrap();
        let output = Command::new("tgt-admin")
            .args(["-C", &self.control.to_string(), "-e", "-c"])
            .arg(&main)
            .output()
            .unwrap();
        fs::remove_file(main).unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    fn url(&self, target: &str, login: &str) -> String {
        format!("iscsi://{login}127.0.0.1:{}/{target}/1", self.port)
    }

    /// What an initiator reads of page `page`, or why it does not get in. `login` is empty or `USER%SECRET@`.
    pub fn inquire(&self, initiator: &str, target: &str, login: &str, page: u8) -> String {
        self.ask("iscsi-inq", &["-e", "1", "-c", &page.to_string()], initiator, &self.url(target, login))
    }

    pub fn capacity(&self, initiator: &str, target: &str) -> String {
        self.ask("iscsi-readcapacity16", &[], initiator, &self.url(target, ""))
    }

    fn ask(&self, program: &str, arguments: &[&str], initiator: &str, url: &str) -> String {
        let output = Command::new(program).args(arguments).args(["-i", initiator, url]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    /// An initiator that stays connected until this is dropped.
    pub fn connect(&self, initiator: &str, target: &str) -> Running {
        let child = Command::new("iscsi-perf")
            .args(["-i", initiator, "-t", "600", &self.url(target, "")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut running = Running(child);
        while !self.show().contains("Connection:") {
            assert!(running.0.try_wait().unwrap().is_none(), "the initiator did not get in");
            std::thread::sleep(Duration::from_millis(20));
        }
        running
    }

    /// Waits until tgtd has noticed that nobody is connected.
    pub fn wait_until_left(&self) {
        while self.show().contains("Connection:") {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn spawn(port: u16, control: u16) -> Child {
    Command::new("tgtd")
        .args(["-f", "-C", &control.to_string(), "--iscsi", &format!("portal=127.0.0.1:{port}")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}
