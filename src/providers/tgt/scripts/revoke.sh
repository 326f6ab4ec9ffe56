# Shuts an initiator out that is not connected, or whose host is lost (`evict`): then its connections are closed.
same_store
read_mark "$id"
if [ -n "$marked" ]; then
    own_file
    look
    if [ -n "$evict" ]; then evict; fi
    shut_out
fi
