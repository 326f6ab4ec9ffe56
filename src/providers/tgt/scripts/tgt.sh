# Targets of tgtd and the file of each. `control` is tgtd's control port, `config` the directory that tgt-admin reads at
# start, `export` the id of the export, after which its file is named, `target` its IQN.
conf=$config/vbs.${export-}.conf
head="# vbs ${vbs_lineage-} ${export-}"

adm() { tgtadm -C "$control" --lld iscsi "$@"; }

# Whether $1, a text of whole lines, has the line $2.
holds() {
    case "
$1" in
        *"
$2
"*) return 0 ;;
    esac
    return 1
}

# Reads what tgtd has: the number of $target into $tid, empty where there is none, and what is below it. Numbers in use
# go into $taken, initiators that are connected into $connected, each behind a blank.
look() {
    shown=$(adm --op show --mode target 2>&1) || vbs_stop 1 "tgtd does not answer on control port $control: $shown"
    taken=' ' tid= connected= accounts= acl=
    now_lun= now_device= now_serial= now_scsi= now_readonly= now_online=
    here= part= unit=
    while IFS= read -r line; do
        text=${line#"${line%%[! ]*}"}
        case $line in
            'Target '*': '*)
                here= part=
                unit=${line#Target }
                unit=${unit%%:*}
                taken="$taken$unit "
                if [ "${line#*: }" = "$target" ]; then here=yes tid=$unit; fi
                ;;
            '    '[!\ ]*) part=${text%:} unit= ;;
            *)
                if [ -n "$here" ]; then below; fi
                ;;
        esac
    done <<end
$shown
end
}

# One line of what is below $target.
below() {
    case $part/$text in
        'I_T nexus information/Initiator: '*)
            text=${text#Initiator: }
            connected="$connected ${text%% alias:*}"
            ;;
        'LUN information/LUN: '*)
            unit=${text#LUN: }
            if [ "$unit" = 1 ]; then now_lun=yes; fi
            ;;
        'Account information/'?*) accounts="$accounts$text
" ;;
        'ACL information/'?*) acl="$acl$text
" ;;
    esac
    if [ "$unit" = 1 ]; then
        case $text in
            'SCSI ID: '*) now_scsi=${text#*: } ;;
            'SCSI SN: '*) now_serial=${text#*: } ;;
            'Online: '*) now_online=${text#*: } ;;
            'Readonly: Yes') now_readonly=1 ;;
            'Readonly: No') now_readonly=0 ;;
            'Backing store path: '*) now_device=${text#*: } ;;
        esac
    fi
}

# Takes user $1 off the target. tgtd 1.0.85 ends with a segmentation fault as soon as anybody has it show a target with a gap
# among its users, and does not find those behind the gap: the last goes first, and those behind this one come again. A
# target without any user asks for no secret: where this one is the first, nobody gets in by name meanwhile.
unbind_account() {
    holds "$accounts" "$1" || return 0
    behind= names=
    set -f
    IFS='
'
    for each in $accounts; do
        if [ -n "$behind" ] || [ "$each" = "$1" ]; then behind="$each
$behind"; fi
    done
    case "
$accounts" in
        "
$1
"?*) for each in $acl; do [ "$each" = 0.0.0.0 ] || names="$names$each
"; done ;;
    esac
    for each in $names; do let_out "$each"; done
    for each in $behind; do adm --op unbind --mode account --tid "$tid" --user "$each"; done
    for each in $accounts; do
        if [ "$each" != "$1" ] && holds "$behind" "$each"; then
            adm --op bind --mode account --tid "$tid" --user "$each"
        fi
    done
    for each in $names; do let_in "$each"; done
    unset IFS
    set +f
    look
}

# Names begin like this; what does not is an address.
kind_of() {
    case $1 in
        iqn.* | eui.* | naa.*) kind=-Q ;;
        *) kind=-I ;;
    esac
}

let_in() {
    kind_of "$1"
    adm --op bind --mode target --tid "$tid" "$kind" "$1"
}

# What a list of tgtd shows does not tell names from addresses.
let_out() {
    kind_of "$1"
    adm --op unbind --mode target --tid "$tid" "$kind" "$1" 2>/dev/null ||
        adm --op unbind --mode target --tid "$tid" -Q "$1"
}

nobody_connected() {
    [ -z "$connected" ] || vbs_refuse "$target is in use by$connected"
}

# Ends the frame where the target's file is not one that we write. What a killed frame left of a new one goes: the guard
# is held, so nobody is writing it.
own_file() {
    if exists "$conf.new"; then rm -f -- "$conf.new"; fi
    if [ -L "$conf" ]; then vbs_refuse "$conf is a symbolic link"; fi
    first_line "$conf"
    case $line in
        '' | "$head") ;;
        *) vbs_refuse "$conf exists and is not ours" ;;
    esac
}

# The target's file: all of it into $current, who is let in into $lines, the rest but for its last line into $above.
read_conf() {
    current= above= lines=
    exists "$conf" || return 0
    while IFS= read -r line || [ -n "$line" ]; do
        current="$current$line
"
        case $line in
            '</target>' | '') ;;
            '    initiator-address 0.0.0.0') above="$above$line
" ;;
            '    initiator-name '* | '    initiator-address '* | '    incominguser '*) lines="$lines$line
" ;;
            *) above="$above$line
" ;;
        esac
    done <"$conf"
}

# Takes what lets $1 in, an initiator or a user, out of $lines.
strike() {
    kept=
    while IFS= read -r line; do
        case $line in
            '' | "    initiator-name $1" | "    initiator-address $1" | "    incominguser $1 "*) ;;
            *) kept="$kept$line
" ;;
        esac
    done <<end
$lines
end
    lines=$kept
}

# Makes $above and $lines the target's file.
save_conf() {
    new="$above$lines</target>
"
    if [ "$new" != "$current" ]; then put_conf; fi
}

# Makes $new the target's file, which is replaced whole or not at all. Secrets may be in it: 0600.
put_conf() {
    {
        rm -f -- "$conf.new" &&
            printf '%s' "$new" >"$conf.new" &&
            vbs_sync "$conf.new" &&
            mv -fT -- "$conf.new" "$conf" &&
            vbs_sync "$config"
    } || {
        saved=$?
        rm -f -- "$conf.new"
        exit "$saved"
    }
}
