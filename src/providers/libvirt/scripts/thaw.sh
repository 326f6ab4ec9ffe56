# Has a guest thaw its file systems, and says whether they were frozen until now: what was taken of them meanwhile is whole.
# Where it is not, the file stays and says so, until the freeze is taken back.
same_store
fail() {
    printf 'failed: %s\n' "$*" >"$frozen"
    vbs_refuse "$*: what was taken of its disk is not whole"
}
first_line "$frozen"
case $line in
    '') fail "VM $vm was not frozen" ;;
    failed:*) vbs_refuse "${line#failed: }: what was taken of its disk is not whole" ;;
    thawed*) vbs_refuse "VM $vm was thawed after $seconds s, before this was done: what was taken of its disk is not whole" ;;
esac
ask_agent || vbs_stop 1 "the guest agent of VM $vm does not answer any more: $why"
held=$status
thaw || vbs_stop 1 "the guest of VM $vm does not thaw its file systems: $why"
[ "$held" = frozen ] || fail "the file systems of VM $vm were $held already"
rm -f -- "$frozen"
