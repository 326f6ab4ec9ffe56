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
        serial_of "$disk"
        printf 'disk\t%s\t%s\t%s\t%s\t%s\t%s\0' "${each##*/session}" "${disk##*/}" "$state" "$sectors" "$readonly" "$told"
    done
done

forget_record() { record= method= user= secret= mutual_user= mutual_secret=; }

show_record() {
    [ -n "$record" ] || return 0
    target=${record#"$records/nodes/"}
    target=${target%%/*}
    take_fingerprint "$target" "$user" "$secret"
    print=$fingerprint
    take_fingerprint "$target" "$mutual_user" "$mutual_secret"
    mutual_print=$fingerprint
    printf 'record\t%s\t%s\t%s\t%s\t%s\t%s\0' "$target" "$method" "$user" "$print" "$mutual_user" "$mutual_print"
}

# What the records say, a file each, in which every target has a line with its name.
show_records() {
    said=$(grep -sH '^node\.\(name\|session\.auth\.[a-z_]*\) = ' -- "$@") || :
    forget_record
    set -f
    IFS='
'
    for line in $said; do
        each=${line%%:node.session.auth.*}
        each=${each%%:node.name = *}
        if [ "$each" != "$record" ]; then
            show_record
            forget_record
            record=$each
        fi
        case ${line#"$each:node."} in
            'session.auth.authmethod = '*) method=${line#* = } ;;
            'session.auth.username = '*) user=${line#* = } ;;
            'session.auth.password = '*) secret=${line#* = } ;;
            'session.auth.username_in = '*) mutual_user=${line#* = } ;;
            'session.auth.password_in = '*) mutual_secret=${line#* = } ;;
        esac
    done
    unset IFS
    set +f
    show_record
    forget_record
    # One in which nothing stands is there all the same.
    for each in "$@"; do
        case "
$said" in *"
$each:node."*) continue ;; esac
        record=$each
        show_record
        forget_record
    done
}

if [ -d "$store" ]; then
    marked=$(sed -n 's/.*"target":"\([^"]*\)".*/\1/p' "$store"/*.json 2>/dev/null | sort -u) || marked=
    set --
    for target in $marked; do
        for record in "$records/nodes/$target"/*/* "$records/nodes/$target"/*; do
            if [ -f "$record" ]; then set -- "$@" "$record"; fi
        done
    done
    if [ "$#" -gt 0 ]; then show_records "$@"; fi
    show_names $(sed -n 's/.*"device":"\([^"]*\)".*/\1/p' "$store"/*.json 2>/dev/null | sort -u)
fi
