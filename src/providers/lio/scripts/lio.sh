# What the scripts of a LIO server share. One target for each export, with the one LUN 0 of one backstore, whose name says
# whose it is. Everything is done in configfs: targetcli tells nothing that a program could read, and shows every LUN to
# every initiator unless it is told otherwise.
#
# `export` is the id of the export, `target` its name.
root=/sys/kernel/config/target
tpg=$root/iscsi/$target/tpgt_1
backstore=vbs.$vbs_lineage.$export

# The backstore of this export into $found: its directory, or nothing.
find_backstore() {
    found=
    for each in "$root"/core/iblock_*/"$backstore"; do
        if [ -d "$each" ]; then found=$each; fi
    done
}

# Refuses unless the target is served by our backstore, or by none. Another one of that name is not ours to change.
same_target() {
    for each in "$tpg"/lun/lun_*/*; do
        [ -L "$each" ] || continue
        # A process less than readlink, and it leads to a directory.
        case $(cd -P -- "$each" && pwd -P) in
            */"$backstore") ;;
            *) vbs_refuse "the target $target serves ${each##*/}, which vbs did not make" ;;
        esac
    done
}

# Whoever is logged in as $1, waited for up to 5 s: a logout takes a moment to arrive.
is_connected() {
    patience=10
    while :; do
        line=
        if [ -r "$tpg/acls/$1/info" ]; then read -r line <"$tpg/acls/$1/info" || :; fi
        case $line in
            '' | 'No active iSCSI Session'*) return 1 ;;
        esac
        patience=$((patience - 1))
        [ "$patience" -gt 0 ] || return 0
        sleep 0.5
    done
}

# Shuts an initiator out. Its session must have ended, unless $2 says that it is to be ended here: then no LUN is mapped for it
# any more before anything else is done.
shut_out() {
    [ -d "$tpg/acls/$1" ] || return 0
    if [ -z "${2-}" ] && is_connected "$1"; then vbs_refuse "$1 is logged in to $target: log it out first"; fi
    for each in "$tpg/acls/$1"/lun_*; do
        [ -d "$each" ] || continue
        for link in "$each"/*; do
            if [ -L "$link" ]; then rm -f -- "$link"; fi
        done
        rmdir -- "$each"
    done
    rmdir -- "$tpg/acls/$1"
}
