# A target and its LUN 1, as they should be: `device`, `serial`, `scsi`, `readonly` (0 or 1).

# The part of the target's file that is no initiator's. tgt-admin lets everybody in where no address is named.
describe() {
    above="$head
# Written by vbs whenever the export changes: edit the workspace instead.
<target $target>
    <backing-store $device>
        lun 1
        scsi_id $scsi
        scsi_sn $serial
        readonly $readonly
    </backing-store>
    initiator-address 0.0.0.0
"
}

there_is_something() {
    [ -e "$device" ] || vbs_refuse "$device does not exist on this host: there is nothing to export"
    [ -d "$config" ] || vbs_refuse "$config does not exist on this host: what is exported would not survive a restart"
}

# tgtd's portals are everybody's: they are looked for and never made.
listening() {
    heard=$(adm --op show --mode portal)
    set -f
    for each in $portals; do
        case "
$heard" in
            *"
Portal: $each,"* | *"
Portal: 0.0.0.0:${each##*:},"* | *"
Portal: [::]:${each##*:},"*) ;;
            *) vbs_refuse "tgtd does not listen on $each. Start it with --iscsi portal=$each, or write where it listens" ;;
        esac
    done
    set +f
}

number_is_taken() {
    case $taken in
        *" $1 "*) return 0 ;;
    esac
    return 1
}

make_target() {
    tries=0
    while [ -z "$tid" ]; do
        free=1
        while number_is_taken "$free"; do free=$((free + 1)); done
        made=0
        adm --op new --mode target --tid "$free" -T "$target" || made=$?
        look
        # Somebody else may have taken the number at the same moment; then the next one is tried.
        tries=$((tries + 1))
        if [ -z "$tid" ] && { [ "$tries" = 20 ] || ! number_is_taken "$free"; }; then
            vbs_stop "$((made == 0 ? 1 : made))" "tgtd made no target $target"
        fi
    done
}

# tgtd opens the device anew, which is the only way to another one and to the size that it has grown to.
reopen() {
    nobody_connected
    adm --op update --mode logicalunit --tid "$tid" --lun 1 --params online=0
    adm --op update --mode logicalunit --tid "$tid" --lun 1 --params "path=$device"
    look
}

# What is right already stays. tgtd may say that it did something and not have done it: what it shows decides.
serve() {
    make_target
    tries=0
    while [ -z "$now_lun" ]; do
        [ "$tries" -lt 3 ] || vbs_stop 1 "tgtd made no LUN of $device"
        [ "$tries" = 0 ] || sleep 1
        tries=$((tries + 1))
        adm --op new --mode logicalunit --tid "$tid" --lun 1 -b "$device"
        look
    done
    if [ "$now_device" != "$device" ]; then reopen; fi
    if [ "$now_online" != Yes ]; then adm --op update --mode logicalunit --tid "$tid" --lun 1 --params online=1; fi
    if [ "$now_serial $now_scsi $now_readonly" != "$serial $scsi $readonly" ]; then
        adm --op update --mode logicalunit --tid "$tid" --lun 1 \
            --params "scsi_sn=$serial,scsi_id=$scsi,readonly=$readonly"
    fi
    look
    [ "$now_lun $now_online $now_device" = "yes Yes $device" ] &&
        [ "$now_serial $now_scsi $now_readonly" = "$serial $scsi $readonly" ] ||
        vbs_stop 1 "tgtd does not show LUN 1 of $target as it was told to: $shown"
}

# The target goes, then its file, then its mark.
take_away() {
    if [ -n "$tid" ]; then
        nobody_connected
        # Never with --force: tgtd itself refuses where somebody has logged in just now.
        gone=0
        adm --op delete --mode target --tid "$tid" || gone=$?
        look
        if [ -n "$tid" ]; then
            nobody_connected
            vbs_stop "$((gone == 0 ? 1 : gone))" "tgtd did not delete $target"
        fi
    fi
    rm -f -- "$conf.new" "$conf"
    if [ -d "$config" ]; then vbs_sync "$config"; fi
    forget_seated
}
