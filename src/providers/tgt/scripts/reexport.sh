# Changes what an export shows, or makes it again what it was. `drop` and `add` are lines: who else was let in, and
# who is again where that is taken back. `reopen` says that the device has grown.
same_store
read_mark "$id"
[ -n "$marked" ] || vbs_refuse "$id has no mark in $store"
own_file
look
[ -n "$tid" ] || vbs_refuse "tgtd has no target $target"
there_is_something
if [ -n "$now_lun" ] && { [ -n "$reopen" ] || [ "$now_device" != "$device" ]; }; then nobody_connected; fi

dismiss() {
    case $1 in
        account:*) unbind_account "${1#account:}" ;;
        *)
            holds "$acl" "$1" || return 0
            let_out "$1"
            ;;
    esac
}

forget_line() { strike "${1#account:}"; }

readmit() {
    case $1 in
        account:*)
            if ! holds "$accounts" "${1#account:}"; then
                adm --op bind --mode account --tid "$tid" --user "${1#account:}"
            fi
            ;;
        *)
            if holds "$acl" "$1"; then return 0; fi
            let_in "$1"
            ;;
    esac
}

# Calls $1 with each line of $2.
each_of() {
    set -f
    IFS='
'
    for each in $2; do
        unset IFS
        if [ "$each" = any ]; then each=ALL; fi
        "$1" "$each"
    done
    unset IFS
    set +f
}

# A device that was not changed keeps its mark and its file.
take_back() {
    look
    if [ -n "$now_lun" ] && [ "$now_online" != Yes ]; then
        adm --op update --mode logicalunit --tid "$tid" --lun 1 --params online=1 || :
    fi
    if [ "$now_device" != "$device" ]; then
        mark=$before
        save_seated
        new=$old
        if [ -n "$new" ]; then put_conf; fi
    fi
}

read_conf
before=$rest old=$current
trap take_back EXIT
if [ "$rest" != "$mark" ]; then save_seated; fi
each_of forget_line "$drop"
describe
save_conf
each_of dismiss "$drop"
if [ -n "$now_lun" ] && [ -n "$reopen" ]; then reopen; fi
serve
each_of readmit "$add"
trap - EXIT
