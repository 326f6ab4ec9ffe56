//! What attaching costs beside the same work done by a shell script on both hosts.

use super::hypervisor::LIBVIRT;
use super::scene::{ROUTE, Route};
use crate::Case;
use crate::cases::speed::{bare_on, median, opening, round_trips, tell, with_vbs};
use crate::lab::{Lab, quoted};
use crate::machine::Host;

pub const CASES: &[Case] = &[
    Case::of("route: a plan of 20 attachments asks each host three times at most", counted)
        .on(ROUTE)
        .with_kvm1(),
    Case::of("measure_attach_20_volumes", measure).on(ROUTE).with_kvm1(),
];

const MANY: usize = 20;

fn volumes() -> String {
    format!(
        "volume \"v\" {{\n  count = {MANY}\n  name = \"v${{count.index}}\"\n  pool = pool.fast\n  size = \"4MiB\"\n}}\n"
    )
}

fn attachments() -> String {
    let device = |n: usize| char::from(b'b' + u8::try_from(n).unwrap());
    let one = |n: usize| {
        format!(
            "attachment \"a{n}\" {{\n  volume = volume.v[{n}]\n  hypervisor = hypervisor.vms\n  vm = \"web1\"\n  \
             device = \"sd{}\"\n  bus = \"scsi\"\n}}\n",
            device(n)
        )
    };
    (0..MANY).map(one).collect()
}

fn open<'lab, 'machine>(lab: &'lab Lab<'machine>) -> Route<'lab, 'machine> {
    LIBVIRT.prepare(lab);
    let route = Route { hypervisor: &LIBVIRT, ..Route::new(lab) };
    route.apply(&volumes());
    route
}

fn counted(lab: &Lab) {
    let route = open(lab);
    route.declare(&(volumes() + &attachments()));
    let output = lab.vbs(&["plan", "--log-level", "debug"]).exits(0);
    for host in [Host::Store1, Host::Kvm1] {
        let asked = round_trips(&output, host.name());
        assert!((1..=3).contains(&asked), "{asked} round trips to {}", host.name());
    }
    route.apply_again();
    let output = lab.vbs(&["plan", "--log-level", "debug"]).exits(0).says("No changes.");
    for host in [Host::Store1, Host::Kvm1] {
        let asked = round_trips(&output, host.name());
        assert!((1..=3).contains(&asked), "{asked} round trips to {}", host.name());
    }
    let serials = route.guest_serials();
    assert_eq!(serials.lines().count(), MANY, "{serials}");
}

/// What is said on the storage host for all of the volumes, in configfs.
const CONFIGFS: &str = r#"cd /sys/kernel/config/target
for n in $(seq 0 19); do
  core=$PWD/core/iblock_$((100 + n)); target=$PWD/iscsi/iqn.2026-11.com.example:bare$n
  mkdir $core $core/bare$n $target $target/tpgt_1 $target/tpgt_1/lun/lun_0
  echo udev_path=/dev/vg0/v$n > $core/bare$n/control
  echo /dev/vg0/v$n > $core/bare$n/udev_path
  echo 00000000-0000-4000-8000-0000000000$((10 + n)) > $core/bare$n/wwn/vpd_unit_serial
  echo 1 > $core/bare$n/enable
  cd $target/tpgt_1
  ln -s $core/bare$n lun/lun_0/bare
  echo 1 > attrib/authentication; echo CHAP > param/AuthMethod
  mkdir acls/iqn.2026-11.com.example:kvm1
  printf %s user > acls/iqn.2026-11.com.example:kvm1/auth/userid
  printf %s password1234 > acls/iqn.2026-11.com.example:kvm1/auth/password
  mkdir acls/iqn.2026-11.com.example:kvm1/lun_0
  ln -s $target/tpgt_1/lun/lun_0 acls/iqn.2026-11.com.example:kvm1/lun_0/bare
  mkdir np/10.9.0.1:3260
  echo 1 > enable
  cd /sys/kernel/config/target
done
targetctl save"#;

/// The same with a targetcli for each command, which saves by itself where it is told to.
const TARGETCLI: &str = r#"targetcli set global auto_add_default_portal=false
for n in $(seq 0 19); do
  target=iqn.2026-11.com.example:bare$n
  targetcli /backstores/block create name=bare$n dev=/dev/vg0/v$n
  targetcli /iscsi create $target
  targetcli /iscsi/$target/tpg1/luns create /backstores/block/bare$n
  targetcli /iscsi/$target/tpg1 set attribute authentication=1
  targetcli /iscsi/$target/tpg1/acls create iqn.2026-11.com.example:kvm1
  targetcli /iscsi/$target/tpg1/acls/iqn.2026-11.com.example:kvm1 set auth userid=user password=password1234
  targetcli /iscsi/$target/tpg1/portals create 10.9.0.1 3260
done
targetcli saveconfig"#;

/// What is said on the VM's host for all of the volumes.
const LOGINS: &str = r#"iscsiadm -m iface -I bare -o new
iscsiadm -m iface -I bare -o update -n iface.transport_name -v tcp
iscsiadm -m iface -I bare -o update -n iface.initiatorname -v iqn.2026-11.com.example:kvm1
letters=bcdefghijklmnopqrstu
for n in $(seq 0 19); do
  target=iqn.2026-11.com.example:bare$n
  iscsiadm -m node -T $target -p 10.9.0.1:3260 -I bare -o new
  for set in authmethod=CHAP username=user password=password1234; do
    iscsiadm -m node -T $target -I bare -o update -n node.session.auth.${set%%=*} -v ${set#*=}
  done
  iscsiadm -m node -T $target -I bare --login
  disk=/dev/disk/by-path/ip-10.9.0.1:3260-iscsi-$target-lun-0
  until [ -e $disk ]; do sleep 0.1; done
  letter=${letters%"${letters#?}"}; letters=${letters#?}
  cat > /run/disk.xml <<END
<disk type='block' device='disk'><driver name='qemu' type='raw' cache='none'/><source dev='$disk'/>
<target dev='sd$letter' bus='scsi'/><serial>bare$n</serial><address type='drive' controller='0' bus='0' target='0' unit='$((n + 1))'/></disk>
END
  virsh -q attach-device web1 /run/disk.xml --live --config
done
test $(virsh dumpxml web1 | grep -c '<serial>bare') = 20"#;

fn measure(lab: &Lab) {
    let route = open(lab);
    let opening = opening(lab);
    let mut all = [const { Vec::new() }; 3];
    for _ in 0..2 {
        route.declare(&(volumes() + &attachments()));
        all[0].push(with_vbs(lab, opening, &["apply", "--auto-approve"]));
        println!("  attached by vbs in {:.1} s", all[0][all[0].len() - 1].as_secs_f64());
        route.apply(&volumes());
    }
    lab.keep("route-20");
    // targetcli takes minutes: once is enough.
    for rounds in [[(CONFIGFS, 1), (TARGETCLI, 2)].as_slice(), &[(CONFIGFS, 1)]] {
        for &(script, times) in rounds {
            let script = format!("set -eu; {script}");
            let served = bare_on(lab, Host::Store1, &format!("sh -c {}", quoted(&script)));
            let attached = bare_on(lab, Host::Kvm1, &format!("sh -euc {}", quoted(LOGINS)));
            println!(
                "  served in {:.1} s, attached in {:.1} s",
                served.as_secs_f64(),
                attached.as_secs_f64()
            );
            all[times].push(served + attached);
            lab.reset_to("route-20");
        }
    }
    let [vbs, configfs, targetcli] = all.map(median);
    tell("20 volumes attached, beside configfs, iscsiadm and virsh", vbs, configfs);
    tell("20 volumes attached, beside targetcli, iscsiadm and virsh", vbs, targetcli);
}
