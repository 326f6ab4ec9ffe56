# A target with the volume as LUN 1. Nobody is let in yet: that is for grants.
same_store
read_mark "$id"
own_file
look
if [ -z "$marked" ]; then
    if [ -n "$tid" ]; then vbs_refuse "the target $target exists and is not ours"; fi
    there_is_something
    listening
    trap 'look && take_away' EXIT
else
    there_is_something
    listening
fi
if [ "$rest" != "$mark" ]; then save_seated; fi
read_conf
describe
save_conf
serve
trap - EXIT
