# Lets an initiator in, or gives one that is in another right or secret, which ends no session. Standard input holds the
# secrets, a line each: the initiator's, where `user` is given, then the target's, where `mutual_user` is.
same_store
read_mark "$id"
[ -d "$tpg" ] || vbs_refuse "there is no target $target"
if [ -d "$tpg/acls/$initiator" ] && [ -z "$marked" ]; then vbs_refuse "$target lets $initiator in already, and vbs did not do that"; fi
same_target
the_mark
acl=$tpg/acls/$initiator
set -- mark "$store/$id.json" directory "$acl"
# NULL takes what was there away.
if [ -n "$user" ]; then set -- "$@" value "$acl/auth/userid" "$user" secret "$acl/auth/password"; else
    set -- "$@" value "$acl/auth/userid" NULL value "$acl/auth/password" NULL
fi
if [ -n "$mutual_user" ]; then set -- "$@" value "$acl/auth/userid_mutual" "$mutual_user" secret "$acl/auth/password_mutual"; else
    set -- "$@" value "$acl/auth/userid_mutual" NULL value "$acl/auth/password_mutual" NULL
fi
if [ "$access" = read_only ]; then protect=1; else protect=0; fi
arrange "$@" directory "$acl/lun_0" link "$acl/lun_0/vbs" "$tpg/lun/lun_0" value "$acl/lun_0/write_protect" "$protect"
