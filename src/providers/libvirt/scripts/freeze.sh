# Has a guest freeze its file systems, with a thaw armed before.
same_store

# What comes next looks as if it were done: whoever thaws reads why it was not.
fail() {
    printf 'failed: %s\n' "$*" >"$frozen"
    vbs_refuse "$*"
}

if exists "$frozen"; then
    first_line "$frozen"
    case $line in
        failed* | thawed*) ;;
        *) vbs_refuse "the file systems of VM $vm are frozen by another run of this workspace" ;;
    esac
fi
get list --name || fail "libvirt cannot be asked for VM $vm at $uri: $why"
listed "$vm" "$said" || fail "VM $vm is off by now: plan again"
ask_agent || fail "no guest agent answers in VM $vm: $why"
[ "$status" = thawed ] || fail "the file systems of VM $vm are $status already, and not by vbs: thaw them first"
IFS= read -r name </proc/sys/kernel/random/uuid
printf '%s\n' "$name" >"$frozen"
export frozen name seconds uri vm
setsid sh -c "$armed" </dev/null >/dev/null 2>&1 &
what=$(timeout --foreground 25 virsh -q -c "$uri" domfsfreeze --domain "$vm" 2>&1 >/dev/null </dev/null) || {
    reason "$what"
    whole="the guest of VM $vm did not freeze its file systems: $why"
    thaw || vbs_stop 1 "$whole. Then: $why"
    fail "$whole"
}
