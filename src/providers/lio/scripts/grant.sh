# Lets an initiator in, or gives one that is in another right or secret, which ends no session. Standard input holds the
# secrets, a line each: the initiator's, where `user` is given, then the target's, where `mutual_user` is.
same_store
read_mark "$id"
[ -d "$tpg" ] || vbs_refuse "there is no target $target"
if [ -d "$tpg/acls/$initiator" ] && [ -z "$marked" ]; then vbs_refuse "$target lets $initiator in already, and vbs did not do that"; fi
same_target
save_seated
[ -d "$tpg/acls/$initiator" ] || mkdir -- "$tpg/acls/$initiator"
secret= mutual_secret=
if [ -n "$user" ]; then IFS= read -r secret; fi
if [ -n "$mutual_user" ]; then IFS= read -r mutual_secret; fi
# The kernel takes a line end for a part of it; NULL takes what was there away.
put() { printf '%s' "${2:-NULL}" >"$tpg/acls/$initiator/auth/$1"; }
put userid "$user"
put password "$secret"
put userid_mutual "$mutual_user"
put password_mutual "$mutual_secret"
[ -d "$tpg/acls/$initiator/lun_0" ] || mkdir -- "$tpg/acls/$initiator/lun_0"
if ! [ -L "$tpg/acls/$initiator/lun_0/vbs" ]; then ln -s "$tpg/lun/lun_0" "$tpg/acls/$initiator/lun_0/vbs"; fi
if [ "$access" = read_only ]; then protect=1; else protect=0; fi
printf '%s' "$protect" >"$tpg/acls/$initiator/lun_0/write_protect"
save
