# tgtd first: where it does not answer nothing is known, whether or not the seat is there.
said=$(tgtadm -C "$control" --lld iscsi --op show --mode target 2>&1) ||
    vbs_refuse "tgtd does not answer on control port $control, so nobody knows what it exports: ${said:-no word from tgtadm}"
