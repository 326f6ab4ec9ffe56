//! What runs the VM of a route, as a parameter of it: how it is declared, how the VM comes to be, and how one looks into it
//! as its guest would.

use crate::lab::Lab;
use crate::machine::Host;

/// Its VM is `web1`, runs on kvm1, has no guest system, and is there again after a restart.
#[derive(Debug)]
pub struct Hypervisor {
    /// The block, called `vms`.
    pub block: &'static str,
    /// What an attachment needs to say of it.
    pub attachment: &'static str,
    /// Makes the VM, on kvm1.
    pub prepare: &'static str,
    /// Everything that it knows of disks, which has to be as before when ours are gone.
    pub disks: &'static str,
    /// The serials of the disks that vbs gave to the VM, one a line.
    pub serials: &'static str,
    /// How many bytes the one disk has for the guest.
    pub size: &'static str,
    /// Prints 4 KiB of the one disk, from the 4096th byte on, as the guest would read them.
    pub read: &'static str,
}

/// Says lines to the second QMP socket of the VM, and prints each answer: the first one belongs to vbs.
const LOOKER: &str = r#"cat > /usr/local/sbin/look <<'END'
#!/bin/bash
coproc Q { exec socat - UNIX-CONNECT:/run/vms/web1.look; }
read -r -t 20 line <&"${Q[0]}"
say() {
  printf '%s\n' "$1" >&"${Q[1]}"
  while read -r -t 20 line <&"${Q[0]}"; do
    case $line in *'"return"'*) printf '%s\n' "$line"; return ;; *'"error"'*) printf '%s\n' "$line" >&2; exit 1 ;; esac
  done
  exit 1
}
say '{"execute":"qmp_capabilities"}' >/dev/null
for command; do say "$command"; done
END
chmod 755 /usr/local/sbin/look
"#;

/// A machine with native hot-plug, which lets go of its devices by itself.
pub static QEMU: Hypervisor = Hypervisor {
    block: "hypervisor \"qemu\" \"vms\" {\n  host   = host.kvm1\n  socket = \"/run/vms/{vm}.qmp\"\n}\n",
    attachment: "device     = \"vdb\"\n  bus        = \"scsi\"",
    prepare: r"cat > /etc/systemd/system/web1.service <<'END'
[Service]
ExecStartPre=/bin/mkdir -p /run/vms
ExecStart=/usr/bin/qemu-system-x86_64 -name web1 -M q35 -accel tcg -m 32 -nodefaults -display none -S \
  -global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off -device virtio-scsi-pci,id=scsi0,bus=pcie.0 \
  -device pcie-root-port,id=rp1,chassis=1,slot=1 -device pcie-root-port,id=rp2,chassis=2,slot=2 \
  -qmp unix:/run/vms/web1.qmp,server=on,wait=off -qmp unix:/run/vms/web1.look,server=on,wait=off
ExecStartPost=/bin/sh -c 'until [ -S /run/vms/web1.look ]; do sleep 0.1; done'
[Install]
WantedBy=multi-user.target
END
systemctl enable -q --now web1
",
    disks: r#"look '{"execute":"qom-list","arguments":{"path":"/machine/peripheral"}}' '{"execute":"query-named-block-nodes"}' \
  '{"execute":"qom-list","arguments":{"path":"/objects"}}' | sed 's/[][]/\n/g; s/}, {/}\n{/g'"#,
    serials: r#"for device in $(look '{"execute":"qom-list","arguments":{"path":"/machine/peripheral"}}' | grep -o '"vbs-[^"]*"' | tr -d '"'); do
  look '{"execute":"qom-get","arguments":{"path":"/machine/peripheral/'$device'","property":"serial"}}' |
    sed 's/.*"return": "\([^"]*\)".*/\1/'
done"#,
    size: r#"look '{"execute":"query-block"}' | grep -o '"virtual-size": [0-9]*' | head -n 1 | tr -dc 0-9"#,
    read: r#"node=$(look '{"execute":"query-named-block-nodes"}' | grep -o '"node-name": "vbs-[^"]*"' | head -n 1 | cut -d'"' -f4)
look '{"execute":"nbd-server-start","arguments":{"addr":{"type":"unix","data":{"path":"/run/vms/nbd"}}}}' \
  '{"execute":"block-export-add","arguments":{"type":"nbd","id":"look","node-name":"'$node'"}}' >/dev/null
qemu-img dd -f raw -O raw bs=4096 skip=1 count=2 "if=nbd+unix:///$node?socket=/run/vms/nbd" of=/run/vms/read >&2
look '{"execute":"nbd-server-stop"}' >/dev/null
cat /run/vms/read; rm /run/vms/read"#,
};

/// The same without QMP sockets of its own, in the running VM and in its configuration.
pub static LIBVIRT: Hypervisor = Hypervisor {
    block: "hypervisor \"libvirt\" \"vms\" {\n  host = host.kvm1\n}\n",
    attachment: "device     = \"sdb\"\n  bus        = \"scsi\"",
    prepare: r"cat > /run/web1.xml <<'END'
<domain type='qemu'>
  <name>web1</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices><controller type='scsi' index='0' model='virtio-scsi'/></devices>
</domain>
END
virsh -q define /run/web1.xml; virsh -q start web1; rm /run/web1.xml
",
    disks: "for kind in '' --inactive; do virsh dumpxml web1 $kind | sed -n '/<disk/,/<\\/disk>/p'; done; virsh -q secret-list",
    serials: "virsh dumpxml web1 | sed -n 's:.*<serial>\\(.*\\)</serial>.*:\\1:p'",
    size: "virsh domblkinfo web1 sdb | sed -n 's/^Capacity: *//p'",
    read: r#"say() { virsh qemu-monitor-command web1 "$1"; }
node=$(say '{"execute":"query-named-block-nodes"}' | grep -o '"node-name":"libvirt-[0-9]*-format"' | head -n 1 | cut -d'"' -f4)
socket=/var/lib/libvirt/qemu/look
say '{"execute":"nbd-server-start","arguments":{"addr":{"type":"unix","data":{"path":"'$socket'"}}}}' >&2
say '{"execute":"block-export-add","arguments":{"type":"nbd","id":"look","node-name":"'$node'"}}' >&2
qemu-img dd -f raw -O raw bs=4096 skip=1 count=2 "if=nbd+unix:///$node?socket=$socket" of=/run/read >&2
say '{"execute":"nbd-server-stop"}' >&2
cat /run/read; rm -f /run/read $socket"#,
};

impl Hypervisor {
    pub fn prepare(&self, lab: &Lab) {
        lab.ok_on(Host::Kvm1, &format!("{LOOKER}{}", self.prepare));
    }

    #[track_caller]
    pub fn ask(&self, lab: &Lab, script: &str) -> String {
        lab.ok_on(Host::Kvm1, script)
    }
}
