# What of the disk is there stays, and what is missing or different is made.
mending=yes
