# A disk of a VM. The mark comes first; then the secret of a network disk, the configuration, and the running VM, which is
# the one that may say no. What fails is taken back before the frame says so.
same_store
read_mark "$id"
marked_so=
if [ "$rest" = "$mark" ]; then marked_so=yes; fi
block=
if [ -n "$target" ]; then
    [ -e "$target" ] || vbs_refuse "$target does not exist on this host: there is nothing to attach"
    if [ -b "$target" ]; then block=yes; fi
fi
value=
if [ -n "$login" ]; then IFS= read -r value || vbs_refuse "the secret of $login did not come"; fi
# A mark that nothing belongs to goes again.
withdraw() {
    rm -f -- "$way"
    [ -n "$marked" ] || rm -f -- "$store/$id.json.new" "$store/$id.json"
}
begin() {
    trap withdraw EXIT
    : >"$way"
    if [ -z "$marked_so" ]; then save_seated; fi
    # From here on libvirt may have something of ours.
    trap - EXIT
}
end() {
    trap 'rm -f -- "$way"' EXIT
    rm -f -- "$way"
    trap - EXIT
    vbs_sync "$store"
    exit 0
}

# What has no mark is not looked for in the VM first: libvirt takes all or nothing, and refuses by itself an alias that there is.
# Whatever it refuses is looked at. Of a network disk several descriptions may be tried, and the second refused for the first.
if [ -n "$target" ] && [ -z "$marked$mending$login" ] && ! exists "$way"; then
    begin
    set -- --live
    if [ -n "$config" ]; then set -- --live --config; fi
    if attach_to "$@"; then end; fi
    refused="libvirt would not take the disk of VM $vm: $why"
    look || vbs_stop 1 "$refused. Then: $why"
    case $there$kept,$refused in
        ,* | *"$alias"*) trap withdraw EXIT ;;
        # Whatever it said, it has it.
        *) vbs_stop 1 "$refused" ;;
    esac
else
    look_at_vm
fi
# A killed frame may have asked the guest to let go of the disk, and the guest may be about to: what is there now is not what
# stays. One that has not let go after 5 s keeps it.
asked=
if exists "$way"; then read -r asked <"$way" || :; fi
patience=25
while [ -n "$asked" ] && [ -n "$there" ] && [ "$patience" -gt 0 ]; do
    patience=$((patience - 1))
    sleep 0.2
    look_at_vm
done
[ -n "$runs$keeps" ] ||
    vbs_refuse "VM $vm does not exist at $uri, or is off and has no configuration: start it, then attach to it"
wanted=$keeps
if [ -z "$config" ]; then wanted=; fi
[ -n "$runs$wanted" ] || vbs_refuse "VM $vm is off, and persistent = false keeps no disk in its configuration"
if [ -n "$there$kept" ] && [ -z "$marked_so$mending" ]; then
    vbs_refuse "$alias is in VM $vm already, and its mark said otherwise"
fi
was=$there$kept
if [ -n "$mending" ]; then
    melt || vbs_refuse "the guest of VM $vm does not thaw its file systems: $why"
fi
begin

# What there was before is not taken away: a look tells what was made of it.
give_up() {
    whole="libvirt would not take the disk of VM $vm: $why"
    [ -z "$was" ] || vbs_stop 1 "$whole"
    look || vbs_stop 1 "$whole. Then: $why"
    # Whatever it said, it has it.
    [ -z "$there" ] || vbs_stop 1 "$whole"
    if [ -n "$kept" ]; then drop_config || vbs_stop 1 "$whole. Then: $why"; fi
    if [ -n "$login" ]; then drop_secret || vbs_stop 1 "$whole. Then: $why"; fi
    rm -f -- "$store/$id.json.new" "$store/$id.json" "$way"
    vbs_refuse "$whole"
}

if [ -n "$login" ]; then
    what=$(printf '%s\n' "$keyring" | ask secret-define --file /dev/stdin 2>&1 >/dev/null) || {
        reason "$what"
        give_up
    }
    what=$(printf '%s' "$value" | ask secret-set-value --secret "$id" --file /dev/stdin --plain 2>&1 >/dev/null) || {
        reason "$what"
        give_up
    }
fi
if [ -n "$kept" ]; then
    if [ -z "$wanted" ] || [ -n "$mending" ]; then
        drop_config || give_up
        kept=
    fi
fi
set --
if [ -n "$runs" ] && [ -z "$there" ]; then set -- "$@" --live; fi
if [ -n "$wanted" ] && [ -z "$kept" ]; then set -- "$@" --config; fi
if [ "$#" -gt 0 ]; then attach_to "$@" || give_up; fi
end
