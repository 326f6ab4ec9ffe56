# A disk of a VM. The mark comes first; then the secret of a network disk, the block node, and the device on the first bus
# that takes it. What fails is taken back before the frame says so.
same_store
read_mark "$id"
marked_so=
if [ "$rest" = "$mark" ]; then marked_so=yes; fi
block=
if [ -n "$target" ]; then
    [ -e "$target" ] || vbs_refuse "$target does not exist on this host: there is nothing to attach"
    same_disk "$target"
    if [ -b "$target" ]; then block=yes; fi
fi
secret=
if [ -n "$login" ]; then IFS= read -r secret || vbs_refuse "the secret of $login did not come"; fi
trap 'rm -f -- "$way"; [ -n "$marked" ] || rm -f -- "$store/$id.json.new" "$store/$id.json"' EXIT
asked=
if exists "$way"; then read -r asked <"$way" || :; fi
: >"$way"
if [ -z "$marked_so" ]; then save_seated; fi
# From here on QEMU may have something of ours.
trap - EXIT
export block nodes plug controller suffix slot login asked
speak "$away"'
list /machine/peripheral
# A killed frame may have asked the guest to let go of the disk, and the guest may be about to: what is there now is not
# what stays. One that has not let go after 5 s keeps it.
patience=50
while [ -n "$asked" ] && [ "$patience" -gt 0 ]; do
    case $answer in *"\"name\": \"$device\""*) ;; *) break ;; esac
    patience=$((patience - 1))
    sleep 0.1
    list /machine/peripheral
done
case $answer in *"\"name\": \"$device\""*) end there ;; esac
there=$answer
clear || end "stuck $answer"
if [ -n "$login" ]; then
    IFS= read -r secret <&4 || end lost
    must "{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"secret\",\"id\":\"$device-secret\",\"data\":\"$secret\"}}"
fi
fail() { why=$answer; clear || end "stuck $answer"; end "no $why"; }
set -f
opened=
IFS="
"
for each in $nodes; do
    case $each in
        *\"driver\":\"file\"*) [ -z "$block" ] || continue ;;
        *\"driver\":\"host_device\"*) [ -n "$block" ] || continue ;;
    esac
    if ask "{\"execute\":\"blockdev-add\",\"arguments\":$each}"; then opened=yes; break; fi
done
unset IFS
[ -n "$opened" ] || fail
plugged() { ask "{\"execute\":\"device_add\",\"arguments\":{$1${plug#?}}"; }
while :; do
    case $there in *\}*) ;; *) break ;; esac
    each=${there%%\}*}
    there=${there#*\}}
    case $each in *"\"type\": \"child<$controller"*) ;; *) continue ;; esac
    bus=${each#*"\"name\": \""}
    bus=${bus%%\"*}$suffix
    case $bus in *[!A-Za-z0-9._-]*) continue ;; esac
    if plugged "\"bus\":\"$bus\",$slot"; then end ok; fi
done
plugged "" || fail
end ok' 60 4<<END
$secret
END
take_away() { rm -f -- "$store/$id.json.new" "$store/$id.json" "$way"; }
case $said in
    ok) ;;
    there)
        if [ -z "$marked_so" ]; then vbs_refuse "$device is in VM $vm already, and its mark said otherwise"; fi
        ;;
    *)
        if is_off; then
            take_away
            vbs_refuse "VM $vm is off, or its socket $where does not answer: start it, then attach to it"
        fi
        otherwise
        [ -n "$as_before" ] || vbs_stop 1 "VM $vm: $why"
        take_away
        vbs_refuse "QEMU of VM $vm would not take the disk: $why"
        ;;
esac
trap 'rm -f -- "$way"' EXIT
rm -f -- "$way"
trap - EXIT
vbs_sync "$store"
