//! A real libvirtd of a test's own: in namespaces of its own, with directories and sockets in a temporary place, so that it
//! knows nothing of the machine's VMs, and every process of it ends with the test.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Debian makes this user when libvirtd is set up as a service.
const USER: &str = "libvirt-qemu:x:64055:64055::/:/usr/sbin/nologin\n";
const GROUP: &str = "libvirt-qemu:x:64055:\n";

/// The first process of its own world waits for it, and for whatever it leaves to be waited for. When the test has ended, in
/// whatever way, nobody holds the other end of its standard input, and everything in there ends.
const START: &str = "set -e
cd \"$1\"
mount --bind passwd /etc/passwd
mount --bind group /etc/group
for each in /etc/libvirt /var/lib/libvirt /run/libvirt /var/cache/libvirt /var/log/libvirt; do
    own=${each#/}
    own=${own%/libvirt}
    mkdir -p \"$each\" \"$own\"
    mount --bind \"$own\" \"$each\"
done
exec 3<&0
{
    cat <&3 >/dev/null
    kill -9 -1
} &
libvirtd -f \"$1/libvirtd.conf\" -p \"$1/pid\" </dev/null
exit 1";

const QEMU_CONF: &str = "user = \"root\"
group = \"root\"
dynamic_ownership = 0
remember_owner = 0
security_driver = \"none\"
stdio_handler = \"file\"
cgroup_controllers = [ ]
namespaces = [ ]
";

pub struct Daemon {
    child: Child,
    directory: TempDir,
}

/// A guest of a VM that is never run: with native hot-plug its ports let go of a device at once, and with ACPI they wait for
/// a guest that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Guest {
    Releasing,
    Holding,
}

impl Daemon {
    /// Nothing, and why on standard error, where this machine cannot run it.
    pub fn start() -> Option<Daemon> {
        for program in ["libvirtd", "virsh", "qemu-system-x86_64", "unshare"] {
            let is_there = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
                .iter()
                .any(|directory| Path::new(directory).join(program).exists());
            if !is_there {
                eprintln!("skipped: {program} is not installed");
                return None;
            }
        }
        let directory = TempDir::new().unwrap();
        let at = directory.path();
        for name in ["etc", "sock"] {
            fs::create_dir(at.join(name)).unwrap();
        }
        let sock = at.join("sock");
        let conf = format!(
            "unix_sock_dir = \"{}\"\nauth_unix_rw = \"none\"\nauth_unix_ro = \"none\"\nunix_sock_rw_perms = \"0700\"\n\
             log_outputs = \"3:file:{}\"\n",
            sock.display(),
            at.join("log").display()
        );
        fs::write(at.join("libvirtd.conf"), conf).unwrap();
        fs::write(at.join("etc/qemu.conf"), QEMU_CONF).unwrap();
        for (name, line) in [("passwd", USER), ("group", GROUP)] {
            let mut text = fs::read_to_string(Path::new("/etc").join(name)).unwrap();
            if !text.contains("libvirt-qemu:") {
                text += line;
            }
            fs::write(at.join(name), text).unwrap();
        }
        let child = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"])
            .args(["sh", "-c", START, "sh"])
            .arg(at)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(fs::File::create(at.join("said")).unwrap())
            .spawn()
            .unwrap();
        let mut daemon = Daemon { child, directory };
        let last = Instant::now() + Duration::from_secs(60);
        while !daemon.virsh(&["list"], "").status.success() {
            if daemon.child.try_wait().unwrap().is_some() || Instant::now() > last {
                let read =
                    |name: &str| fs::read_to_string(daemon.directory.path().join(name)).unwrap_or_default();
                eprintln!("skipped: libvirtd cannot be started here: {}{}", read("said"), read("log"));
                return None;
            }
            thread::sleep(Duration::from_millis(50));
        }
        Some(daemon)
    }

    pub fn uri(&self) -> String {
        let socket: PathBuf = self.directory.path().join("sock/libvirt-sock");
        format!("qemu+unix:///system?socket={}", socket.display())
    }

    pub fn virsh(&self, arguments: &[&str], stdin: &str) -> Output {
        let mut child = Command::new("virsh")
            .args(["-q", "-c", &self.uri()])
            .args(arguments)
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // One that does not read may have ended.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// What virsh prints; whatever it is asked has to succeed.
    #[track_caller]
    pub fn say(&self, arguments: &[&str]) -> String {
        self.feed(arguments, "")
    }

    #[track_caller]
    pub fn feed(&self, arguments: &[&str], stdin: &str) -> String {
        let output = self.virsh(arguments, stdin);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What somebody wrote of a VM. `ports`: how many PCIe ports are free.
    pub fn description(vm: &str, guest: Guest, ports: usize) -> String {
        let native = match guest {
            Guest::Releasing => {
                "<qemu:commandline><qemu:arg value='-global'/>\
                 <qemu:arg value='ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off'/></qemu:commandline>"
            }
            Guest::Holding => "",
        };
        format!(
            "<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>{vm}</name>\
             <memory unit='MiB'>32</memory><vcpu>1</vcpu>\
             <os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features><devices>\
             <emulator>/usr/bin/qemu-system-x86_64</emulator><controller type='usb' model='none'/><controller type='pci' index='0' model='pcie-root'/>{}\
             <controller type='scsi' index='0' model='virtio-scsi'/><memballoon model='none'/></devices>{native}</domain>",
            // One more for the SCSI controller.
            "<controller type='pci' model='pcie-root-port'/>".repeat(ports + 1)
        )
    }

    pub fn define(&self, vm: &str, guest: Guest, ports: usize) {
        self.feed(&["define", "/dev/stdin"], &Daemon::description(vm, guest, ports));
    }

    pub fn boot(&self, vm: &str) {
        self.say(&["start", "--paused", vm]);
    }

    /// As it is configured.
    pub fn config(&self, vm: &str) -> String {
        self.say(&["dumpxml", "--inactive", vm])
    }

    /// As it runs.
    pub fn live(&self, vm: &str) -> String {
        self.say(&["dumpxml", vm])
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Everything in there ends with its first process.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
