# A guest whose file systems are frozen for us: the file $frozen says so, from before it is asked until after it was thawed.
# Its line is the name of one freeze, so that an armed thaw is not one of a later freeze; or it says why nothing was kept
# whole, `failed: …` or `thawed …`: as long as it is there, the disk is not as it is wanted.
frozen=$store/$id.$vbs_lineage.frozen

# What the agent of VM $vm says of its file systems, into $status: `thawed`, `frozen`. Status 1 and $why where it says nothing.
ask_agent() {
    get qemu-agent-command --domain "$vm" --timeout 5 '{"execute":"guest-fsfreeze-status"}' || return 1
    status=${said#*\"return\":}
    status=${status#*\"}
    status=${status%%\"*}
}

thaw() {
    what=$(ask domfsthaw --domain "$vm" 2>&1 >/dev/null </dev/null) && return 0
    reason "$what"
    return 1
}

# Takes our freeze from the guest, and what there is to say of it. What nobody froze for us is not thawed by us.
melt() {
    exists "$frozen" || return 0
    first_line "$frozen"
    case $line in
        failed*) ;;
        *)
            get list --name || return 1
            if listed "$vm" "$said"; then thaw || return 1; fi
            ;;
    esac
    rm -f -- "$frozen"
}

# Runs by itself, whatever becomes of the frame: thaws after $seconds unless that was done. The file stays, with another line,
# and says that a freeze did not last.
armed='
sleep "$seconds"
IFS= read -r line <"$frozen" || exit 0
[ "$line" = "$name" ] || exit 0
printf "thawed after %s s\n" "$seconds" >"$frozen"
tries=0
until timeout --foreground 60 virsh -q -c "$uri" domfsthaw --domain "$vm"; do
    tries=$((tries + 1))
    [ "$tries" -lt 20 ] || exit 1
    sleep 1
done
'
