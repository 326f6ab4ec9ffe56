# Shuts an initiator out whose session has ended, or whose host is lost (`evict`): the kernel ends the session with its ACL.
same_store
read_mark "$id"
if [ -d "$tpg/acls/$initiator" ] && [ -z "$marked" ]; then exit 0; fi
shut_out "$initiator" "$evict"
if [ -d "$tpg/acls/$initiator" ] || grep -qsxF "$initiator" "$tpg/dynamic_sessions"; then
    vbs_stop 1 "$initiator still has a session to $target"
fi
save
forget_seated
