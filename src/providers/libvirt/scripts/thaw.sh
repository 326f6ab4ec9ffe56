# Has a guest thaw its file systems, and says whether they were frozen until now: what was taken of them meanwhile is whole.
same_store
first_line "$frozen"
case $line in
    '') vbs_refuse "VM $vm was not frozen: what was taken of its disk is not whole" ;;
    thawed*)
        rm -f -- "$frozen"
        vbs_refuse "VM $vm was thawed after $seconds s, before this was done: what was taken of its disk is not whole"
        ;;
esac
ask_agent || vbs_stop 1 "the guest agent of VM $vm does not answer any more: $why"
held=$status
thaw || vbs_stop 1 "the guest of VM $vm does not thaw its file systems: $why"
rm -f -- "$frozen"
[ "$held" = frozen ] || vbs_refuse "the file systems of VM $vm were $held already: what was taken of its disk is not whole"
