# One initiator of a target: `initiator`, and `user` where it proves itself.

not_connected() {
    case "$connected " in
        *" $initiator "*) vbs_refuse "$initiator is connected to $target" ;;
    esac
}

unbind() {
    if holds "$acl" "$initiator"; then
        adm --op unbind --mode target --tid "$tid" -Q "$initiator"
        look
    fi
}

# tgtd knows accounts by name for all targets together; ours are named after their grants.
drop_account() {
    all=$(adm --op show --mode account)
    case "$all
" in
        *"
    $1
"*) adm --op delete --mode account --user "$1" ;;
    esac
}

# Out of tgtd, then out of the file, then the mark.
shut_out() {
    if [ -n "$tid" ]; then
        not_connected
        if holds "$acl" "$initiator"; then
            unbind
            if holds "$acl" "$initiator"; then vbs_stop 1 "tgtd still lets $initiator in to $target"; fi
            # Who has logged in between the look and now keeps the way in that it uses.
            case "$connected " in
                *" $initiator "*) adm --op bind --mode target --tid "$tid" -Q "$initiator" ;;
            esac
            not_connected
        fi
    fi
    if [ -n "$user" ]; then drop_account "$user"; fi
    read_conf
    if [ -n "$current" ]; then
        strike "$initiator"
        if [ -n "$user" ]; then strike "$user"; fi
        save_conf
    fi
    forget_seated
}
