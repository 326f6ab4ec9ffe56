# What all scripts of a volume group share. `vg` is its name, `pool` the thin pool's or nothing, `identity` what the guard
# must say of both, in one line of its own: identity, UUID of the volume group, UUID of the thin pool or `-`.
#
# A logical volume is ours where its tags say so, and where it is says what it is: see place_of in the survey's reader.
LVM_SUPPRESS_FD_WARNINGS=1
export LVM_SUPPRESS_FD_WARNINGS
# Tags and rows are split at commas and line ends, and no word is a pattern.
set -f
line_end='
'
trashed=vbs_trash.${id-}
made_file=$vbs_guard/made.$vbs_lineage.${id-}
progress_file=$vbs_guard/progress.$vbs_lineage.${id-}
object_lock=$vbs_guard/object.$vbs_lineage.${id-}
# LVM would wait for its own lock for ever: it is told not to wait at all, and `call` waits. lvm.conf cannot change how
# anything is reported.
config='log{report_command_log=0 verbose=0 command_names=0 prefix=""} global{wait_for_locks=0} activation{retry_deactivation=1} report{list_item_separator="," mark_hidden_devices=1 binary_values_as_numeric=0 compact_output=0 compact_output_cols="" columns_as_rows=0 prefixes=0}'
acted=

# Runs an LVM command; what it prints is in $said, its status in $ended. One that crashed is run once more.
call() {
    program=$1
    shift
    crashed=
    waits=0
    while :; do
        ended=0
        said=$("$program" --config "$config" "$@" </dev/null 2>&1 8>&- 9>&-) || ended=$?
        case $ended:$said in
            139:*)
                [ -z "$crashed" ] || return 0
                crashed=yes
                ;;
            5:*"Can't get lock for "*)
                waits=$((waits + 1))
                if [ "$waits" -gt $((vbs_wait * 4)) ]; then
                    [ -z "$acted" ] || vbs_stop 5 "$said"
                    vbs_stop 75 "LVM's lock of the volume group $vg stayed held for $vbs_wait s by another LVM command"
                fi
                sleep 0.2
                ;;
            *) return 0 ;;
        esac
    done
}

# Runs an LVM command that changes something, and ends the script where it fails.
must() {
    call "$@"
    [ "$ended" -eq 0 ] || vbs_stop "$ended" "$said"
    acted=yes
}

# Ends the frame unless the guard is that of the volume group that the step was planned for. Starts no process.
same_group() {
    group=
    if [ -f "$vbs_guard/vg" ]; then read -r found group group_pool <"$vbs_guard/vg" || :; fi
    [ -n "$group" ] && [ "$found" = "$identity" ] ||
        vbs_gone "the volume group $vg is not the one this was planned for: $vbs_guard/vg does not say $identity"
}

# Asks about logical volumes by name, all in one call. What cannot be told from an absence ends the frame.
look() {
    asked=$*
    for each; do
        shift
        set -- "$@" "$vg/$each"
    done
    call lvs -a --noheadings --separator '|' --units b --nosuffix \
        -o vg_uuid,lv_name,lv_size,origin_size,lv_device_open,lv_role,pool_lv_uuid,lv_uuid,lv_attr,snap_percent,lv_tags "$@"
    rows=$said
    case $said in
        *"olume group \"$vg\" not found"*) vbs_gone "there is no volume group $vg" ;;
    esac
    [ "$ended" -ne 0 ] || return 0
    for each in $asked; do
        case $said in
            *"Failed to find logical volume \"$vg/$each\""* | *"|$each|"* | *"|[$each]|"*) ;;
            *) vbs_stop "$ended" "$said" ;;
        esac
    done
}

# Takes a row apart. Fails where the line is none, but something that LVM said.
take() {
    IFS='|'
    set -- $1
    unset IFS
    [ "$#" -ge 10 ] || return 1
    lv_group=${1##* } lv=$2 size_there=$3 origin_size=$4 open=$5 role=$6 lv_pool=$7 lv_uuid=$8 attr=$9
    shift 9
    percent=$1 tags=${2-}
    # One that is being merged is hidden.
    lv=${lv#[}
    lv=${lv%]}
    own_size=$size_there
    # A thick snapshot is as large as its origin was; its own size is what is set aside for it.
    case ,$role, in *,thicksnapshot,*) size_there=$origin_size ;; esac
    [ "$lv_group" = "$group" ] || vbs_gone "the volume group $vg has the UUID $lv_group, and $group was taken into use: another one has its name"
}

# Whether the logical volume $1 was there when it was last asked about; its facts are then in the variables of `take`.
at() {
    sought=$1
    IFS=$line_end
    for row in $rows; do
        unset IFS
        if take "$row" && [ "$lv" = "$sought" ]; then return 0; fi
    done
    unset IFS
    return 1
}

has_tag() { case ",$tags," in *",$1,"*) ;; *) return 1 ;; esac; }

has_role() { case ",$role," in *",$1,"*) ;; *) return 1 ;; esac; }

# Whether the one at hand is object $1 of this lineage.
is() { has_tag "vbs.lineage=$vbs_lineage" && { has_tag "vbs.volume=$1" || has_tag "vbs.snapshot=$1"; }; }

# Refuses unless $1 is the object $2 and has $3 bytes.
expect() {
    at "$1" || vbs_refuse "$vg/$1 is not there"
    is "$2" || vbs_refuse "$vg/$1 is not the logical volume that was made as $2"
    [ "$size_there" = "$3" ] || vbs_refuse "$vg/$1 has $size_there bytes, and $3 were planned for"
    [ -z "$pool" ] || [ "$lv_pool" = "$group_pool" ] || vbs_refuse "$vg/$1 is not in the thin pool $pool that was taken into use"
}

# Whether $1 is closed within 5 s. udev opens devices for a moment by itself.
gets_closed() {
    patience=10
    while at "$1" && [ "$open" = open ]; do
        patience=$((patience - 1))
        [ "$patience" -gt 0 ] || return 1
        sleep 0.5
        look "$1"
    done
}

refuse_if_open() { gets_closed "$1" || vbs_refuse "$vg/$1 is open: stop what uses it first"; }

# Gives the one at hand, under the name $1, the marks $2 and no other; tags that are not ours stay. One command or none.
retag() {
    target=$1
    marks=$2
    set --
    IFS=,
    for tag in $tags; do
        case $tag in
            vbs | vbs.*)
                case "$line_end$marks$line_end" in
                    *"$line_end$tag$line_end"*) ;;
                    *) set -- "$@" --deltag "$tag" ;;
                esac
                ;;
        esac
    done
    IFS=$line_end
    for tag in $marks; do
        has_tag "$tag" || set -- "$@" --addtag "$tag"
    done
    unset IFS
    [ "$#" -eq 0 ] || must lvchange "$@" "$vg/$target"
}

# Removes logical volumes by name. A failed removal can leave a suspended device, which would block every later command,
# and udev may still have it open.
remove() {
    for each; do
        shift
        set -- "$@" "$vg/$each"
    done
    call lvremove --yes "$@"
    if [ "$ended" -ne 0 ]; then
        udevadm settle --timeout=10 || :
        patient=$config
        config="$config devices{ignore_suspended_devices=1}"
        call lvremove --yes "$@"
        config=$patient
    fi
    acted=yes
    [ "$ended" -ne 0 ] || return 0
    # What the first attempt removed is not found by the second one, so what is there decides.
    failed=$ended why=$said
    for each; do
        shift
        set -- "$@" "${each#*/}"
    done
    look "$@"
    for each; do
        if at "$each"; then vbs_stop "$failed" "$why"; fi
    done
}

# The boot into $boot, and into $written how many sectors were written to $1 since its device was made; nothing where
# that cannot be told.
written_to() {
    read -r boot </proc/sys/kernel/random/boot_id
    written=
    device=$(readlink -- "/dev/$vg/$1") || return 0
    if [ -r "/sys/class/block/${device##*/}/stat" ]; then
        read -r _ _ _ _ _ _ written _ <"/sys/class/block/${device##*/}/stat" || :
    fi
}

# That a creation has begun, and that it is over: what was written to the device by then was not written by anybody who
# was told of it. Where a power cut takes this away nobody knows, and what nobody knows counts as written.
begin_making() {
    read -r boot </proc/sys/kernel/random/boot_id
    printf '%s\n' "$boot" >"$made_file"
}

end_making() {
    written_to "$1"
    printf '%s %s\n' "$boot" "$written" >"$made_file"
}

# Whether nobody can have used $1, which is at hand, since it was made. One that its maker never finished has at most the
# few sectors in it that lvcreate wipes.
untouched() {
    gets_closed "$1" || return 1
    ! has_role thickorigin || return 1
    ! has_tag vbs.filling || return 0
    made_in= sectors=
    if [ -f "$made_file" ]; then read -r made_in sectors <"$made_file" || :; fi
    written_to "$1"
    [ -n "$written" ] && [ "$made_in" = "$boot" ] || return 1
    if [ -n "$sectors" ]; then [ "$written" = "$sectors" ]; else [ "$written" -le 64 ]; fi
}

# Makes the logical volume $1 with the marks $2, unless it is there already: then it is the object $id, whole, with $3
# bytes or as many as it may have before it grows. The other arguments are lvcreate's.
make() {
    making=$1
    marks=$2
    least=$3
    shift 3
    IFS=$line_end
    for tag in $marks; do set -- "$@" --addtag "$tag"; done
    unset IFS
    # Where nothing is made, nothing is noted.
    noted=yes
    if ! [ -s "$made_file" ]; then
        noted=
        trap 'rm -f -- "$made_file"' EXIT
        begin_making
    fi
    call lvcreate --yes --name "$making" "$@"
    if [ "$ended" -ne 0 ]; then
        failed=$ended why=$said
        look "$making"
        at "$making" || vbs_stop "$failed" "$why"
        is "$id" || vbs_refuse "$vg/$making exists and is not ours"
        # Somebody has taken the note away: what is there may be in use for long.
        if [ -z "$noted" ]; then rm -f -- "$made_file"; fi
        trap - EXIT
        [ "$size_there" -ge "$least" ] || vbs_refuse "$vg/$making has $size_there bytes, and $least were planned for"
        sectors=
        if [ -f "$made_file" ]; then read -r _ sectors <"$made_file" || :; fi
        if [ -n "$sectors" ]; then return 0; fi
        # Its maker was killed: nobody knows how far it had come.
        untouched "$making" || return 0
        remove "$making"
        begin_making
        must lvcreate --yes --name "$making" "$@"
    fi
    trap - EXIT
    acted=yes
    end_making "$making"
}
