# Every session and disk of this host, and what the records say of the targets that marks name.
records=/etc/iscsi
if [ -d /var/lib/iscsi/nodes ] || ! [ -d /etc/iscsi ]; then records=/var/lib/iscsi; fi
value() {
    line=
    if [ -r "$1" ]; then IFS= read -r line <"$1" || :; fi
}
for each in /sys/class/iscsi_session/session*; do
    [ -e "$each/targetname" ] || continue
    value "$each/targetname" && target=$line
    value "$each/state" && state=$line
    value "$each/ifacename" && face=$line
    value "$each/initiatorname" && initiator=$line
    printf 'session\t%s\t%s\t%s\t%s\t%s\0' "${each##*/session}" "$target" "$state" "$face" "$initiator"
    for disk in "$each"/device/target*/*:*:*:*/block/*; do
        [ -e "$disk" ] || continue
        value "$disk/device/state" && state=$line
        value "$disk/size" && sectors=$line
        value "$disk/ro" && readonly=$line
        told=$(tail -c +5 "$disk/device/vpd_pg80" 2>/dev/null | tr -d '\000 ') || told=
        printf 'disk\t%s\t%s\t%s\t%s\t%s\t%s\0' "${each##*/session}" "${disk##*/}" "$state" "$sectors" "$readonly" "$told"
    done
done
if [ -d "$store" ]; then
    marked=$(sed -n 's/.*"target":"\([^"]*\)".*/\1/p' "$store"/*.json 2>/dev/null | sort -u) || marked=
    for target in $marked; do
        for record in "$records/nodes/$target"/*/* "$records/nodes/$target"/*; do
            [ -f "$record" ] || continue
            method= user= secret= mutual_user= mutual_secret=
            while IFS= read -r line; do
                case $line in
                    'node.session.auth.authmethod = '*) method=${line#* = } ;;
                    'node.session.auth.username = '*) user=${line#* = } ;;
                    'node.session.auth.password = '*) secret=${line#* = } ;;
                    'node.session.auth.username_in = '*) mutual_user=${line#* = } ;;
                    'node.session.auth.password_in = '*) mutual_secret=${line#* = } ;;
                esac
            done <"$record"
            print= mutual_print=
            if [ -n "$secret" ]; then print=$(printf '%s %s %s' "$target" "$user" "$secret" | sha256sum | cut -c 1-16); fi
            if [ -n "$mutual_secret" ]; then
                mutual_print=$(printf '%s %s %s' "$target" "$mutual_user" "$mutual_secret" | sha256sum | cut -c 1-16)
            fi
            printf 'record\t%s\t%s\t%s\t%s\t%s\t%s\0' "$target" "$method" "$user" "$print" "$mutual_user" "$mutual_print"
        done
    done
    for device in $(sed -n 's/.*"device":"\([^"]*\)".*/\1/p' "$store"/*.json 2>/dev/null | sort -u); do
        if [ -e "$device" ]; then printf 'name\t%s\t%s\0' "$device" "$(readlink -f -- "$device")"; fi
    done
fi
