//! Gates: a run is held up at one boundary, there where the boundary is passed, until it was struck from outside. A frame
//! is held up on the host that it was sent to, which [`World::struck`] then names.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use vbs::faults::Class;

use super::world::{Running, World};
use crate::lab::quoted;

const REMOTE: &str = "/run/vbs-fault";

/// How long a run may take to a gate.
const PATIENCE: Duration = Duration::from_secs(240);

/// Where a run waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// In a frame, on its host.
    Remote,
    /// In vbs itself.
    Local,
}

impl Gate {
    pub fn of(class: Class) -> Gate {
        match class {
            Class::SentBeforeAct | Class::ActedBeforeReply => Gate::Remote,
            _ => Gate::Local,
        }
    }

    /// What a hook runs: it names its parent, which belongs to the frame, and waits. Ten minutes are the end of it.
    pub fn hook(self, world: &World) -> String {
        let path = match self {
            Gate::Remote => REMOTE.to_owned(),
            Gate::Local => world.local_gate().display().to_string(),
        };
        let path = quoted(&path);
        format!(
            "gate={path}; echo \"$PPID\" >\"$gate.new\"; mv \"$gate.new\" \"$gate\"; n=0; \
             while [ -e \"$gate\" ]; do n=$((n + 1)); [ \"$n\" -lt 3000 ] || exit 1; sleep 0.2; done"
        )
    }

    /// Waits until the run stands at the gate.
    ///
    /// # Errors
    /// In words, where it ended instead.
    pub fn reached(self, world: &World, run: &mut Running) -> Result<(), String> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let is_there = match self {
                Gate::Local => world.local_gate().exists(),
                // The machine waits by itself for a while, so that nobody is kept busy with asking.
                Gate::Remote => {
                    let script = format!(
                        "n=0; until [ -e {REMOTE} ]; do n=$((n + 1)); [ $n -lt 10 ] || exit 1; sleep 0.1; done"
                    );
                    let host =
                        world.lab.hosts().into_iter().find(|host| world.lab.sh_on(*host, &script).code == 0);
                    host.inspect(|host| world.struck.set(*host)).is_some()
                }
            };
            if is_there {
                return Ok(());
            }
            if !run.is_running() {
                return Err("it ended and never came to the gate".to_owned());
            }
            if self == Gate::Local {
                thread::sleep(Duration::from_millis(5));
            }
        }
        Err("it never came to the gate".to_owned())
    }

    /// Lets the run go on; a frame, to its end. A machine that has lost its memory holds nobody up.
    pub fn open(self, world: &World) {
        match self {
            Gate::Remote => {
                world.there(&format!(
                    "[ -e {REMOTE} ] || exit 0; frame=$(cat {REMOTE}); rm {REMOTE}; n=0; \
                     while [ -e /proc/$frame ]; do n=$((n + 1)); [ $n -lt 1000 ]; sleep 0.1; done"
                ));
            }
            Gate::Local => {
                let _ = fs::remove_file(world.local_gate());
            }
        }
    }

    /// Lets a frame go on, and does not wait for anything.
    pub fn open_only(self, world: &World) {
        world.there(&format!("rm {REMOTE}"));
    }

    /// Whether somebody, which can only be the frame at the gate, holds a guard.
    pub fn holds_a_guard(self, world: &World) -> bool {
        let script =
            "for guard in $(find /var/lib/vbs /srv -name guard); do flock -n \"$guard\" true || exit 9; done";
        self == Gate::Remote && world.lab.sh_on(world.struck.get(), script).code == 9
    }

    /// Whether somebody waits for a lock that another one holds; the machine looks for a while.
    pub fn is_waited_for(self, world: &World) -> bool {
        let script = "n=0; until grep -q -e '-> FLOCK' /proc/locks; do n=$((n + 1)); [ $n -lt 10 ] || exit 9; sleep 0.1; done";
        world.lab.sh_on(world.struck.get(), script).code == 0
    }
}

/// Ends the session of sshd that a frame at the gate was sent over, with everything that can no longer be said there.
pub fn hang_up(world: &World) {
    world.there(&format!(
        "p=$(cat {REMOTE}); until [ \"$(cat /proc/$p/comm)\" = sshd ]; do \
           p=$(sed -n 's/^PPid:[[:space:]]*//p' /proc/$p/status); [ \"$p\" -gt 1 ]; done; \
         kill -KILL \"$p\""
    ));
}

/// Until nothing holds a lock below the guards any more: whatever outlived its vbs has ended.
pub fn until_guards_are_free(world: &World) {
    for host in world.lab.hosts() {
        world.lab.ok_on(
            host,
            "for guard in $(find /var/lib/vbs /srv -name guard 2>/dev/null); do flock -w 120 \"$guard\" true; done; \
             n=0; while pgrep '^lv[^m]' >/dev/null; do n=$((n + 1)); [ $n -lt 600 ]; sleep 0.1; done",
        );
    }
}
