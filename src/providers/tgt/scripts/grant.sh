# Lets one initiator in. `user` is empty where names alone count; else its secret is read from standard input. `was` is a
# user that is left behind.
same_store
read_mark "$id"
secret=
if [ -n "$user" ]; then
    IFS= read -r secret || :
    [ -n "$secret" ] || vbs_refuse "no secret came for the user $user"
fi
own_file
look
[ -n "$tid" ] || vbs_refuse "tgtd has no target $target"
exists "$conf" || vbs_refuse "$conf is missing"
if [ -z "$marked" ]; then
    if holds "$acl" "$initiator"; then vbs_refuse "somebody else lets $initiator in to $target already"; fi
    trap 'look && shut_out' EXIT
fi
if [ "$rest" != "$mark" ]; then save_seated; fi
read_conf
known=
if [ -n "$user" ] && holds "$accounts" "$user" && holds "$lines" "    incominguser $user $secret"; then known=yes; fi
strike "$initiator"
if [ -n "$was" ]; then strike "$was"; fi
lines="$lines    initiator-name $initiator
"
if [ -n "$user" ]; then
    strike "$user"
    lines="$lines    incominguser $user $secret
"
fi
save_conf
# A target without any account asks nobody for a secret, so nobody new is let in while one is changed.
if [ -n "$was" ] && [ "$was" != "$user" ]; then
    unbind
    drop_account "$was"
fi
if [ -n "$user" ] && [ -z "$known" ]; then
    unbind
    drop_account "$user"
    adm --op new --mode account --user "$user" --password "$secret"
    adm --op bind --mode account --tid "$tid" --user "$user"
fi
look
if ! holds "$acl" "$initiator"; then adm --op bind --mode target --tid "$tid" -Q "$initiator"; fi
look
holds "$acl" "$initiator" || vbs_stop 1 "tgtd does not show that $target lets $initiator in: $shown"
[ -z "$user" ] || holds "$accounts" "$user" || vbs_stop 1 "tgtd does not show the user $user of $target: $shown"
trap - EXIT
