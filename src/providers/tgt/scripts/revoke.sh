# Shuts an initiator out that is not connected.
same_store
read_mark "$id"
if [ -n "$marked" ]; then
    own_file
    look
    shut_out
fi
