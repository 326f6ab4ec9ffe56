# What may go wrong with logins of this host one day, a line each: a word, a tab, and what it is about.
records=/etc/iscsi
if [ -d /var/lib/iscsi/nodes ] || ! [ -d /etc/iscsi ]; then records=/var/lib/iscsi; fi
marked=$(sed -n 's/.*"target":"\([^"]*\)".*/\1/p' /var/lib/vbs/initiator/.vbs/*.json 2>/dev/null | sort -u) || marked=
is_marked() {
    case "
$marked
" in *"
$1
"*) return 0 ;; esac
    return 1
}
daemon= multipath=
for each in /proc/[0-9]*/comm; do
    name=
    read -r name 2>/dev/null <"$each" || :
    case $name in
        iscsid) daemon=yes ;;
        multipathd) multipath=yes ;;
    esac
done
if [ -z "$daemon" ] && command -v systemctl >/dev/null; then
    # A socket starts it when it is needed.
    systemctl -q is-active iscsid.socket 2>/dev/null || printf 'no_daemon\t\n'
fi
if [ -n "$multipath" ]; then printf 'multipath\t\n'; fi
logged_in=
for each in /sys/class/iscsi_session/session*; do
    [ -e "$each/targetname" ] || continue
    target= face=
    read -r target <"$each/targetname" || :
    if [ -r "$each/ifacename" ]; then read -r face <"$each/ifacename" || :; fi
    logged_in="$logged_in $target "
    case $face in vbs.*) is_marked "$target" || printf 'orphan_session\t%s\n' "$target" ;; esac
    for disk in "$each"/device/target*/*:*:*:*/block/*; do
        for holder in /sys/block/"${disk##*/}"/holders/*; do
            if [ -e "$holder" ] && is_marked "$target"; then printf 'held\t%s\n' "${disk##*/} by ${holder##*/}"; fi
        done
    done
done
for record in "$records"/nodes/*/*/* "$records"/nodes/*/*; do
    [ -f "$record" ] || continue
    target= face= startup=
    while IFS= read -r line; do
        case $line in
            'node.name = '*) target=${line#* = } ;;
            'iface.iscsi_ifacename = '*) face=${line#* = } ;;
            'node.startup = '*) startup=${line#* = } ;;
        esac
    done <"$record"
    case $face in
        vbs.*) is_marked "$target" || printf 'orphan_record\t%s\n' "$target" ;;
        *)
            if is_marked "$target"; then
                printf 'twice\t%s\n' "$target"
            elif [ "$startup" = automatic ]; then
                case $logged_in in *" $target "*) ;; *) printf 'automatic\t%s\n' "$target" ;; esac
            fi
            ;;
    esac
done
if command -v lvmconfig >/dev/null; then
    case $(lvmconfig --typeconfig full devices/use_devicesfile devices/filter devices/global_filter 2>/dev/null) in
        '' | *use_devicesfile=1*) ;;
        *'"r'*) ;;
        *) printf 'lvm\t\n' ;;
    esac
fi
