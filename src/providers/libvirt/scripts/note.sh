# The same volume under another name: the running VM has it open and needs no telling. The configuration is told where to
# find it the next time, and the mark follows.
same_store
read_mark "$id"
[ -n "$marked" ] || vbs_refuse "$id has no mark in $store"
look_at_vm
if [ -n "$config" ] && [ -n "$kept" ]; then
    # As it is: there is nothing under the name that it had, or will have.
    has --inactive || vbs_refuse "libvirt cannot be asked for VM $vm at $uri: $why"
    kind=${described#"<disk type='"}
    kind=${kind%%"'"*}
    set -f
    IFS="
"
    for each in $xml; do
        unset IFS
        case $each in "<disk type='$kind'"*) ;; *) continue ;; esac
        status=0
        what=$(printf '%s\n' "$each" | ask update-device --domain "$vm" --file /dev/stdin --config 2>&1 >/dev/null) || status=$?
        case $status in
            0) break ;;
            124 | 137) vbs_stop 1 "VM $vm: update-device took too long, and only a look can tell what came of it" ;;
            *)
                reason "$what"
                vbs_refuse "libvirt would not change the configuration of VM $vm: $why"
                ;;
        esac
    done
    unset IFS
    set +f
fi
if [ "$rest" != "$mark" ]; then save_seated; fi
vbs_sync "$store"
