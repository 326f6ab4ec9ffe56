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
"*)
            unbind_account "$1"
            adm --op delete --mode account --user "$1"
            ;;
    esac
}

# Closes every connection of the initiator, who is not let in again.
evict() {
    [ -n "$tid" ] || return 0
    unbind
    if [ -n "$user" ]; then drop_account "$user"; fi
    tries=0
    while :; do
        case "$connected " in
            *" $initiator "*) ;;
            *) return 0 ;;
        esac
        tries=$((tries + 1))
        [ "$tries" -le 50 ] || vbs_stop 1 "tgtd does not end the session of $initiator to $target: $shown"
        [ "$tries" = 1 ] || sleep 0.2
        close_all
        look
    done
}

# Sessions are shown by their numbers, each with its initiator and its connections.
close_all() {
    here= session=
    while IFS= read -r line; do
        text=${line#"${line%%[! ]*}"}
        case $text in
            'Target '*': '*) here= ; if [ "${text#*: }" = "$target" ]; then here=yes; fi ;;
            'I_T nexus: '*) session=${text#*: } who= ;;
            'Initiator: '*)
                who=${text#Initiator: }
                who=${who%% alias:*}
                ;;
            'Connection: '*)
                if [ -n "$here" ] && [ "$who" = "$initiator" ]; then
                    adm --op delete --mode conn --tid "$tid" --sid "$session" --cid "${text#*: }" || :
                fi
                ;;
        esac
    done <<end
$shown
end
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
