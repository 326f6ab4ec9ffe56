# Shuts an initiator out whose session has ended.
same_store
read_mark "$id"
if [ -d "$tpg/acls/$initiator" ] && [ -z "$marked" ]; then exit 0; fi
shut_out "$initiator"
save
forget_seated
